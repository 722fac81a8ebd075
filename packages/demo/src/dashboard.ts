/** A link to the dashboard that signs in once, within ten minutes, on this machine. */
export async function createLink(url: string, apiKey: string): Promise<string> {
  const response = await fetch(`${url}/v1/sign-in-links`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}` },
  })
  if (!response.ok) throw new Error(`POST /v1/sign-in-links responded with ${response.status}.`)
  return ((await response.json()) as { url: string }).url
}
