import { describe, expect, it } from 'vitest'
import { Bodies } from '../../src/engine/bodies.ts'

const MIB = 1_048_576

describe('the payloads of requests in flight', () => {
  it('take up no more than their memory, whatever their sizes turn out to be, and leave room for another tenant', () => {
    const bodies = new Bodies()
    const begun = []
    while (bodies.hasRoom('a')) begun.push(bodies.begin('a', null))
    expect(begun.length).toBe(51)
    expect(bodies.hasRoom('b')).toBe(true)
    // Small ones make room for as many more.
    for (const body of begun) body.resize(100)
    expect(bodies.hasRoom('a')).toBe(true)
    for (const body of begun) body.resize(MIB)
    expect(bodies.hasRoom('a')).toBe(false)
    for (const body of begun) body.end()
    for (const body of begun) body.end()
    const again = []
    while (bodies.hasRoom('a')) again.push(bodies.begin('a', new Uint8Array(MIB)))
    expect(again.length).toBe(51)
  })
})
