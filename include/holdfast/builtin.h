/*
 * builtin.h - the types that every server brings along, one line each. Everything that is said of them - the objects
 * hf_type_* of query.h, the run time's tables, the query compiler's - is expanded from here.
 *
 * Numbers are those of pg_type.dat; they are part of the server's protocol and never change. A type whose wire form is
 * that of another shares its kind (enum hf_type_kind).
 */
#ifndef HOLDFAST_BUILTIN_H
#define HOLDFAST_BUILTIN_H

/* X(name, kind, type number, that of its array, C form, word of the array's struct: hf_<word>_array) */
#define HF_BUILTIN_SCALARS(X)                                                     \
	X(bool, BOOL, 16, 1000, bool, bool)                                       \
	X(int2, INT2, 21, 1005, int16_t, int2)                                    \
	X(int4, INT4, 23, 1007, int32_t, int4)                                    \
	X(int8, INT8, 20, 1016, int64_t, int8)                                    \
	X(float4, FLOAT4, 700, 1021, float, float4)                               \
	X(float8, FLOAT8, 701, 1022, double, float8)                              \
	X(numeric, NUMERIC, 1700, 1231, struct hf_numeric, numeric)               \
	X(money, INT8, 790, 791, int64_t, int8)                                   \
	X(text, TEXT, 25, 1009, struct hf_str, str)                               \
	X(varchar, TEXT, 1043, 1015, struct hf_str, str)                          \
	X(bpchar, TEXT, 1042, 1014, struct hf_str, str)                           \
	X(name, TEXT, 19, 1003, struct hf_str, str)                               \
	X(refcursor, TEXT, 1790, 2201, struct hf_str, str)                        \
	X(xml, TEXT, 142, 143, struct hf_str, str)                                \
	X(json, TEXT, 114, 199, struct hf_str, str)                               \
	X(jsonb, JSONB, 3802, 3807, struct hf_str, str)                           \
	X(jsonpath, JSONB, 4072, 4073, struct hf_str, str)                        \
	X(char, CHAR, 18, 1002, char, char)                                       \
	X(bytea, BYTEA, 17, 1001, struct hf_bytes, bytes)                         \
	X(tsvector, BYTEA, 3614, 3643, struct hf_bytes, bytes)                    \
	X(tsquery, BYTEA, 3615, 3645, struct hf_bytes, bytes)                     \
	X(pg_snapshot, BYTEA, 5038, 5039, struct hf_bytes, bytes)                 \
	X(txid_snapshot, BYTEA, 2970, 2949, struct hf_bytes, bytes)               \
	X(bit, BITS, 1560, 1561, struct hf_bits, bits)                            \
	X(varbit, BITS, 1562, 1563, struct hf_bits, bits)                         \
	X(uuid, UUID, 2950, 2951, struct hf_uuid, uuid)                           \
	X(date, DATE, 1082, 1182, struct hf_date, date)                           \
	X(time, TIME, 1083, 1183, struct hf_time, time)                           \
	X(timetz, TIMETZ, 1266, 1270, struct hf_timetz, timetz)                   \
	X(timestamp, TIMESTAMP, 1114, 1115, struct hf_timestamp, timestamp)       \
	X(timestamptz, TIMESTAMPTZ, 1184, 1185, struct hf_timestamptz, timestamptz) \
	X(interval, INTERVAL, 1186, 1187, struct hf_interval, interval)           \
	X(inet, INET, 869, 1041, struct hf_inet, inet)                            \
	X(cidr, INET, 650, 651, struct hf_inet, inet)                             \
	X(macaddr, MACADDR, 829, 1040, struct hf_macaddr, macaddr)                \
	X(macaddr8, MACADDR8, 774, 775, struct hf_macaddr8, macaddr8)             \
	X(point, FLOATS, 600, 1017, struct hf_point, point)                       \
	X(line, FLOATS, 628, 629, struct hf_line, line)                           \
	X(lseg, FLOATS, 601, 1018, struct hf_lseg, lseg)                          \
	X(box, FLOATS, 603, 1020, struct hf_box, box)                             \
	X(path, PATH, 602, 1019, struct hf_path, path)                            \
	X(polygon, POLYGON, 604, 1027, struct hf_polygon, polygon)                \
	X(circle, FLOATS, 718, 719, struct hf_circle, circle)                     \
	X(pg_lsn, INT8, 3220, 3221, uint64_t, uint64)                             \
	X(xid8, INT8, 5069, 271, uint64_t, uint64)                                \
	X(xid, OID, 28, 1011, uint32_t, oid)                                      \
	X(cid, OID, 29, 1012, uint32_t, oid)                                      \
	X(tid, TID, 27, 1010, struct hf_tid, tid)                                 \
	X(oid, OID, 26, 1028, uint32_t, oid)                                      \
	X(regclass, OID, 2205, 2210, uint32_t, oid)                               \
	X(regcollation, OID, 4191, 4192, uint32_t, oid)                           \
	X(regconfig, OID, 3734, 3735, uint32_t, oid)                              \
	X(regdictionary, OID, 3769, 3770, uint32_t, oid)                          \
	X(regnamespace, OID, 4089, 4090, uint32_t, oid)                           \
	X(regoper, OID, 2203, 2208, uint32_t, oid)                                \
	X(regoperator, OID, 2204, 2209, uint32_t, oid)                            \
	X(regproc, OID, 24, 1008, uint32_t, oid)                                  \
	X(regprocedure, OID, 2202, 2207, uint32_t, oid)                           \
	X(regrole, OID, 4096, 4097, uint32_t, oid)                                \
	X(regtype, OID, 2206, 2211, uint32_t, oid)

/* X(name, element, type number, that of its array). Arrays of one dimension from 0, without nulls. */
#define HF_BUILTIN_VECTORS(X)      \
	X(int2vector, int2, 22, 1006) \
	X(oidvector, oid, 30, 1013)

/* X(subtype, range, type number, that of its array, multirange, type number, that of its array) */
#define HF_BUILTIN_RANGES(X)                                                    \
	X(int4, int4range, 3904, 3905, int4multirange, 4451, 6150)              \
	X(int8, int8range, 3926, 3927, int8multirange, 4536, 6157)              \
	X(numeric, numrange, 3906, 3907, nummultirange, 4532, 6151)             \
	X(date, daterange, 3912, 3913, datemultirange, 4535, 6155)              \
	X(timestamp, tsrange, 3908, 3909, tsmultirange, 4533, 6152)             \
	X(timestamptz, tstzrange, 3910, 3911, tstzmultirange, 4534, 6153)

#endif
