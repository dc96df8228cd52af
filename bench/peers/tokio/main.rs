//! Gets or durable puts by key through tokio-postgres: peer-tokio CONNINFO get|put TASKS CONNECTIONS SECONDS ROWS WORKERS
//! prints operations a second. Statements are prepared, the tasks of a connection pipeline.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls, Statement};

const GET: &str = "SELECT value FROM plain WHERE key = $1 AND (expires_at IS NULL OR expires_at > CURRENT_TIMESTAMP)";
const PUT: &str = "INSERT INTO plain (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, \
                   expires_at = EXCLUDED.expires_at";

fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

async fn task(client: Arc<Client>, statement: Statement, puts: bool, rows: u64, number: u64, stop: Arc<AtomicBool>,
              done: Arc<Vec<AtomicU64>>) {
    let mut seed = 88172645463325252u64.wrapping_add(number.wrapping_mul(7919 * 7919));
    let value = vec![b'v'; 256];
    while !stop.load(Ordering::Relaxed) {
        let key = format!("key:{:020}", next(&mut seed) % rows);
        if puts {
            client.execute(&statement, &[&key.as_bytes(), &value]).await.expect("put");
        } else {
            let row = client.query_one(&statement, &[&key.as_bytes()]).await.expect("get");
            let got: &[u8] = row.get(0);
            assert_eq!(got.len(), 256);
        }
        done[number as usize].fetch_add(1, Ordering::Relaxed);
    }
}

fn total(done: &[AtomicU64]) -> u64 {
    done.iter().map(|n| n.load(Ordering::Relaxed)).sum()
}

async fn run(args: Vec<String>) {
    let puts = args[2] == "put";
    let (tasks, connections): (u64, u64) = (args[3].parse().unwrap(), args[4].parse().unwrap());
    let (seconds, rows): (f64, u64) = (args[5].parse().unwrap(), args[6].parse().unwrap());
    let stop = Arc::new(AtomicBool::new(false));
    let done: Arc<Vec<AtomicU64>> = Arc::new((0..tasks).map(|_| AtomicU64::new(0)).collect());
    let mut clients = Vec::new();
    for _ in 0..connections {
        let (client, connection) = tokio_postgres::connect(&args[1], NoTls).await.expect("connect");
        tokio::spawn(connection);
        let statement = client.prepare(if puts { PUT } else { GET }).await.expect("prepare");
        clients.push((Arc::new(client), statement));
    }
    for number in 0..tasks {
        let (client, statement) = clients[(number % connections) as usize].clone();
        tokio::spawn(task(client, statement, puts, rows, number, stop.clone(), done.clone()));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (start, before) = (Instant::now(), total(&done));
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    println!("{:.0}", (total(&done) - before) as f64 / start.elapsed().as_secs_f64());
    stop.store(true, Ordering::Relaxed);
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let workers: usize = args[7].parse().unwrap();
    let mut builder =
        if workers == 0 { tokio::runtime::Builder::new_current_thread() } else { tokio::runtime::Builder::new_multi_thread() };
    if workers > 0 {
        builder.worker_threads(workers);
    }
    builder.enable_all().build().expect("runtime").block_on(run(args));
}
