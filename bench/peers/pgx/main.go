// Gets or durable puts by key through pgx: peer-pgx CONNINFO get|put GOROUTINES CONNECTIONS SECONDS ROWS prints operations
// a second. Statements are prepared and cached, each goroutine takes a connection of the pool for each call.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	getSQL = "SELECT value FROM plain WHERE key = $1 AND (expires_at IS NULL OR expires_at > CURRENT_TIMESTAMP)"
	putSQL = "INSERT INTO plain (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, expires_at = EXCLUDED.expires_at"
)

type counter struct {
	n atomic.Uint64
	_ [7]uint64
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "peer-pgx:", err)
		os.Exit(1)
	}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	must(err)
	return n
}

func work(pool *pgxpool.Pool, puts bool, rows uint64, seed uint64, done *counter) {
	ctx := context.Background()
	value := bytes.Repeat([]byte("v"), 256)
	for {
		seed ^= seed << 13
		seed ^= seed >> 7
		seed ^= seed << 17
		key := []byte(fmt.Sprintf("key:%020d", seed%rows))
		if puts {
			_, err := pool.Exec(ctx, putSQL, key, value)
			must(err)
		} else {
			var got []byte
			must(pool.QueryRow(ctx, getSQL, key).Scan(&got))
		}
		done.n.Add(1)
	}
}

func total(done []counter) (sum uint64) {
	for i := range done {
		sum += done[i].n.Load()
	}
	return sum
}

func main() {
	puts, goroutines := os.Args[2] == "put", number(os.Args[3])
	seconds, err := strconv.ParseFloat(os.Args[5], 64)
	must(err)
	config, err := pgxpool.ParseConfig(os.Args[1])
	must(err)
	config.MaxConns = int32(number(os.Args[4]))
	config.MinConns = config.MaxConns
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	must(err)
	done := make([]counter, goroutines)
	for i := range done {
		go work(pool, puts, uint64(number(os.Args[6])), 88172645463325252+uint64(i)*7919*7919, &done[i])
	}
	time.Sleep(500 * time.Millisecond)
	start, before := time.Now(), total(done)
	time.Sleep(time.Duration(seconds * float64(time.Second)))
	fmt.Printf("%.0f\n", float64(total(done)-before)/time.Since(start).Seconds())
}
