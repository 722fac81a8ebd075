/** The version of this client. A server of the same version knows all of its calls. */
export const VERSION = '0.1.0'

/**
 * What to say about a call that a server of another version refused because it doesn't know something.
 *
 * @param server the server's version; null if it isn't known
 * @returns undefined if the versions are the same, or the server's is not known
 */
export function noteOn(server: string | null): string | undefined {
  if (server === null || server === VERSION) return undefined
  const both = `This client is version ${VERSION}, the server ${server}.`
  return isOlder(server, VERSION)
    ? `${both} Calls and fields of ${server} work. For this one, upgrade the server.`
    : `${both} Whatever ${server} still has works. For this one, upgrade the client.`
}

function isOlder(a: string, b: string): boolean {
  const [left, right] = [a, b].map(version => version.split(/[.+-]/, 3).map(Number))
  const at = left!.findIndex((number, index) => number !== right![index])
  return at >= 0 && left![at]! < right![at]!
}
