/** Uses a page by its keyboard alone. */
import type { Locator, Page } from 'playwright-core'

const MAX_STOPS = 120

/** Where the focus is, in words. */
async function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement
    if (element === null || element === document.body) return 'nothing'
    const name = element.getAttribute('aria-label') ?? element.textContent?.trim().slice(0, 40) ?? ''
    return `${element.tagName.toLowerCase()} "${name}"`
  })
}

export class Keyboard {
  readonly #page: Page

  constructor(page: Page) {
    this.#page = page
  }

  press(key: string): Promise<void> {
    return this.#page.keyboard.press(key)
  }

  /** Types into what has the focus. */
  type(text: string): Promise<void> {
    return this.#page.keyboard.type(text)
  }

  /** Presses Tab (or Shift+Tab) until the element, or something inside it, has the focus, which must be visible. */
  async tabTo(target: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
    const stops: string[] = []
    await target.first().waitFor()
    for (let stop = 0; stop < MAX_STOPS; stop++) {
      if (await hasFocus(target)) return await this.#expectVisibleFocus()
      await this.press(key)
      stops.push(await focused(this.#page))
    }
    throw new Error(`${MAX_STOPS} times ${key} did not reach ${target}. Stops: ${[...new Set(stops)].join(' → ')}`)
  }

  /** Whether the element, or something inside it, has the focus. */
  hasFocus(target: Locator): Promise<boolean> {
    return hasFocus(target)
  }

  /** Goes to the element and presses Enter, as one activates a button or a link. */
  async activate(target: Locator, key: 'Enter' | 'Space' = 'Enter'): Promise<void> {
    await this.tabTo(target)
    await this.press(key)
  }

  /** Goes to a field, replaces what is in it, and stays there. */
  async fill(target: Locator, text: string): Promise<void> {
    await this.tabTo(target)
    await this.press('ControlOrMeta+a')
    await this.type(text)
  }

  async #expectVisibleFocus(): Promise<void> {
    const isVisible = await this.#page.evaluate(() => {
      const shows = (element: Element | null): boolean => {
        if (element === null) return false
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element)
        return (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none'
      }
      const element = document.activeElement
      if (element === null || element === document.body) return false
      // A ring can be drawn around what contains a field.
      return shows(element) || shows(element.closest(':focus-within:not(:focus)')) || shows(element.parentElement)
    })
    if (!isVisible) throw new Error(`The focus is on ${await focused(this.#page)}, but one can't see it.`)
  }
}

function hasFocus(target: Locator): Promise<boolean> {
  return target.evaluateAll(elements =>
    elements.some(element => element === document.activeElement || element.contains(document.activeElement)),
  )
}
