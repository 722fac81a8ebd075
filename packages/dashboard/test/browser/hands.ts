/** How a person uses a page: with a mouse, or with the keyboard alone. A journey can be made with either. */
import type { Locator, Page } from 'playwright-core'
import { Keyboard } from './keyboard.ts'

export type Hands = {
  /** Clicks a button, a link or a row, or goes to it and presses Enter. */
  activate(target: Locator): Promise<void>
  /** Ticks a box, or moves a switch. */
  tick(target: Locator): Promise<void>
  /** Replaces the text of a field. */
  fill(target: Locator, text: string): Promise<void>
}

export function mouse(): Hands {
  return {
    activate: target => target.click(),
    tick: target => target.click(),
    fill: async (target, text) => {
      await target.click()
      await target.fill(text)
    },
  }
}

export function keyboardAlone(page: Page): Hands {
  const keyboard = new Keyboard(page)
  return {
    activate: target => keyboard.activate(target),
    tick: target => keyboard.activate(target, 'Space'),
    fill: (target, text) => keyboard.fill(target, text),
  }
}
