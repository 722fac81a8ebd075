import type { Dictionary } from '../translated.ts'

export const dictionary: Dictionary = {}
