import { DatabaseSync } from 'node:sqlite'

const db = new DatabaseSync('/tmp/h/w/perf.db')
db.exec(`pragma journal_mode=wal; pragma synchronous=off;
create table live_delivery (tenant text not null, id blob not null, endpoint blob not null, partition int not null, event blob not null, type text not null, state text not null, held_reason text, due_ms int not null, attempts int not null, replay_of blob, test int not null, created_ms int not null, open_trials int not null default 0, seq int, primary key (tenant,id)) without rowid;
create index live_due on live_delivery (partition, endpoint, due_ms, id) where state = 'pending';
create index live_held on live_delivery (partition, endpoint, id) where state = 'held';
create index live_set_aside on live_delivery (partition, id) where held_reason = 'set_aside';
create index live_event on live_delivery (event);`)
db.exec(
  `with recursive n(i) as (select 0 union all select i+1 from n where i < 999999) insert into live_delivery select 'acme', randomblob(16), cast(printf('endpoint%08d', i % 50) as blob), i % 50, randomblob(16), 'T', 'pending', null, i, 0, null, 0, 0, 0, null from n`,
)
const { countPending } = await import('/tmp/h/watch/packages/server/src/store/operations/owed.ts')
const run = args => {
  const g = countPending(args)
  let r = g.next()
  while (!r.done) {
    const rows = db.prepare(r.value.text.replaceAll('$', '?')).all(...(r.value.params ?? []))
    r = g.next(rows)
  }
  return r.value
}
let after = null,
  n = 0,
  worst = 0,
  t0 = performance.now()
do {
  const t = performance.now()
  const f = run({ after, limit: 20000 })
  worst = Math.max(worst, performance.now() - t)
  n += f.count
  after = f.last
} while (after)
console.log({ n, worst, total: performance.now() - t0 })
for (const r of db
  .prepare(
    `explain query plan select count(*) from (select partition, endpoint, due_ms, id from live_delivery where state = 'pending' and (partition, endpoint, due_ms, id) > (?,?,?,?) order by partition, endpoint, due_ms, id limit 20000)`,
  )
  .all(1, new Uint8Array(3), 1, new Uint8Array(1)))
  console.log(r.detail)
