/** How a person uses a page: with a mouse, or with the keyboard alone. A journey can be made with either. */
import type { Locator, Page } from 'playwright-core'
import { Keyboard } from './keyboard.ts'

export type Hands = {
  /** Clicks a button or a link, or goes to it and presses Enter. */
  activate(target: Locator): Promise<void>
  /** Ticks a box, or moves a switch. */
  tick(target: Locator): Promise<void>
  /** Replaces the text of a field. */
  fill(target: Locator, text: string): Promise<void>
  /** Types into a field that offers choices, and takes the first. */
  choose(target: Locator, text: string): Promise<void>
  /** Opens a row of a table. */
  open(row: Locator): Promise<void>
}

export function mouse(page: Page): Hands {
  return {
    activate: target => target.click(),
    tick: target => target.click(),
    fill: async (target, text) => {
      await target.click()
      await target.fill(text)
    },
    choose: async (target, text) => {
      await target.click()
      await target.fill(text)
      await page.getByRole('option').filter({ hasText: text }).first().click()
    },
    open: row => row.click(),
  }
}

/** `j` goes to the next row. */
const MAX_ROWS = 30

export function keyboardAlone(page: Page): Hands {
  const keyboard = new Keyboard(page)
  return {
    activate: target => keyboard.activate(target),
    tick: target => keyboard.activate(target, 'Space'),
    fill: (target, text) => keyboard.fill(target, text),
    choose: async (target, text) => {
      await keyboard.fill(target, text)
      await page.getByRole('option').filter({ hasText: text }).first().waitFor()
      await keyboard.press('ArrowDown')
      await keyboard.press('Enter')
    },
    open: async row => {
      await row.waitFor()
      for (let at = 0; at < MAX_ROWS && !(await keyboard.hasFocus(row)); at++) await keyboard.press('j')
      await keyboard.tabTo(row)
      await keyboard.press('Enter')
    },
  }
}
