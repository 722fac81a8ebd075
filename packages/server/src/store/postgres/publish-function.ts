/**
 * Publishing from SQL, in the caller's own transaction: it stores the key and a row in the inbox, nothing else.
 * Everything that can be rejected later is left to the node that takes the row from the inbox (publish/inbox.ts). The
 * function refuses only what can't be stored, and a key that belongs to another event.
 */
import { DAY_MS } from '../../base/durations.ts'

/** Where the function finds how long a key is remembered, in milliseconds. Each node writes it at startup. */
export const KEY_LIFE_META = 'idempotency_ms'

const DEFAULT_KEY_LIFE_MS = 30 * DAY_MS

/**
 * `security definer`: callers need no rights on any table. The id is a UUIDv7 by the server's clock, whose 12 bits
 * after the milliseconds are a fraction of one, so that the events of a transaction keep their order. The hash covers
 * the same bytes as in publish/publisher.ts. The key is looked up before it is inserted, because an insert that meets
 * an existing key keeps it locked until the caller commits.
 */
export const CREATE_PUBLISH = `
create function posthorn.publish(tenant text, type text, payload json, key text default null) returns text
language plpgsql volatile security definer set search_path = posthorn, pg_temp as $publish$
#variable_conflict use_column
declare
  now_us bigint := floor(extract(epoch from clock_timestamp()) * 1000000);
  now_ms bigint := now_us / 1000;
  body bytea;
  digest bytea;
  known record;
  bits varbit;
  id bytea := overlay(uuid_send(gen_random_uuid()) placing
                int8send((now_ms << 16) | 28672 | (now_us % 1000 * 4096 / 1000)) from 1 for 8);
  is_new boolean := true;
begin
  if publish.tenant is null or publish.type is null or publish.payload is null then
    raise exception 'posthorn.publish: tenant, type and payload must not be null; give each a value.'
      using errcode = 'null_value_not_allowed';
  end if;
  if length(publish.tenant) not between 1 and 128 or length(publish.type) not between 1 and 128 then
    raise exception 'posthorn.publish: tenant and type must have 1 to 128 characters; use the id of a tenant and the name of an event type.'
      using errcode = 'invalid_parameter_value';
  end if;
  if publish.key is not null and publish.key collate "C" !~ '^[!-~]([ -~]{0,253}[!-~])?$' then
    raise exception 'posthorn.publish: key must have 1 to 255 printable ASCII characters and no space at either end; use such a key, or null for none.'
      using errcode = 'invalid_parameter_value';
  end if;
  body := convert_to(publish.payload::text, 'UTF8');
  if publish.key like 'posthorn:%' then
    raise exception 'posthorn.publish: a key that begins with posthorn: is Posthorn''s own; use another.';
  end if;
  if publish.key is not null then
    digest := sha256(convert_to(publish.type, 'UTF8') || decode('00', 'hex') || body);
    loop
      select k.event, k.hash into known from posthorn.idempotency k
        where k.tenant = publish.tenant and k.event_key = publish.key and k.expires_ms > now_ms;
      if found then
        if known.hash <> digest then
          raise exception 'posthorn.publish: key "%" was used for an event with another type or payload; use a key of its own for each event, and repeat one only with the same type and the same bytes.', publish.key
            using errcode = 'unique_violation';
        end if;
        id := known.event;
        is_new := false;
        exit;
      end if;
      insert into posthorn.idempotency as k (tenant, event_key, event, hash, expires_ms)
        values (publish.tenant, publish.key, id, digest, now_ms + coalesce(
          (select m.value::bigint from posthorn.meta m where m.key = '${KEY_LIFE_META}'), ${DEFAULT_KEY_LIFE_MS}))
        on conflict (tenant, event_key) do update
          set event = excluded.event, hash = excluded.hash, expires_ms = excluded.expires_ms
          where k.expires_ms <= now_ms;
      exit when found;
      -- Another transaction was faster, and has committed: now its key is there to see.
    end loop;
  end if;
  if is_new then
    insert into posthorn.inbox (tenant, id, type, event_key, payload, created_ms)
      values (publish.tenant, id, publish.type, publish.key, body, now_ms);
  end if;
  bits := B'00' || ('x' || encode(id, 'hex'))::bit(128);
  return 'evt_' || (
    select string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + substring(bits from at for 5)::int, 1), '' order by at)
    from generate_series(1, 126, 5) at);
end
$publish$`

export const PUBLISH_FUNCTION: readonly string[] = [
  CREATE_PUBLISH,
  'revoke execute on function posthorn.publish(text, text, json, text) from public',
]
