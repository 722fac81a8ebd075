/** How many calls are made at the same time. */
const AT_A_TIME = 6

/** Calls `act` for each item, a few at a time. Every item is tried, whatever the others come to. */
export async function forEach<Item>(
  items: readonly Item[],
  act: (item: Item) => Promise<unknown>,
): Promise<{ readonly done: number; readonly failures: readonly unknown[] }> {
  const waiting = [...items]
  const failures: unknown[] = []
  let done = 0
  const work = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      try {
        await act(item)
        done++
      } catch (failure) {
        failures.push(failure)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, work))
  return { done, failures }
}
