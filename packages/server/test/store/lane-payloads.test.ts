import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { anEndpoint, anEvent, aRequest, aTenant } from './builders.ts'
import { engines, type Opened } from './engines.ts'

const LARGEST = 16_384
const MIB = 1_048_576

describe.each(engines())('a read of a lane, on $name,', engine => {
  let opened: Opened
  const endpoint = anEndpoint('acme')
  beforeEach(async () => {
    opened = await engine.open()
    await aTenant(opened.store, 'acme', [endpoint])
    return () => opened.close()
  })
  afterAll(() => engine.stop())

  const publish = async (payloads: readonly Uint8Array[]) => {
    const events = payloads.map(payload => anEvent([endpoint], { payload }))
    await opened.store.publish(await aRequest(opened.store, 'acme', events))
  }
  const read = (limit: number) => {
    const { id, partition } = endpoint
    return opened.store.readLane({ partition, endpoint: id, limit, maxPayloadBytes: LARGEST })
  }

  it('returns a mebibyte of payloads and leaves the others in the store', async () => {
    await publish(Array.from({ length: 100 }, (_, at) => new Uint8Array(LARGEST).fill(at)))
    const lengths = (await read(100)).map(({ payload }) => payload?.length ?? 0)
    expect(lengths).toEqual([...new Array(64).fill(LARGEST), ...new Array(36).fill(0)])
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(MIB)
  })

  it('returns each delivery with its own payload, without those that are too large', async () => {
    const payloads = Array.from({ length: 200 }, (_, at) => Buffer.from(`{"at":${at}}`))
    payloads[150] = Buffer.alloc(LARGEST + 1, 'x')
    await publish(payloads)
    const found = (await read(200)).map(({ payload }) => payload && Buffer.from(payload).toString())
    expect(found).toEqual(payloads.map((payload, at) => (at === 150 ? null : payload.toString())))
  })
})
