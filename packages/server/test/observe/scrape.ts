import { expect } from 'vitest'
import { API_KEY } from '../e2e/process.ts'

/** Values by name and labels as they are in the text: `posthorn_deliveries_total{state="delivered"}`. */
export type Scraped = ReadonlyMap<string, number>

export function parseMetrics(text: string): Scraped {
  const values = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const at = line.lastIndexOf(' ')
    values.set(line.slice(0, at), Number(line.slice(at + 1)))
  }
  return values
}

export async function scrape(url: string): Promise<Scraped> {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${API_KEY}` } })
  const text = await response.text()
  expect(response.status, text).toBe(200)
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  return parseMetrics(text)
}
