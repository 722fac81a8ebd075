import type { NotificationLanguage } from '../../../base/notification.ts'
import { de } from './de.ts'
import { en } from './en.ts'
import type { Phrases } from './phrases.ts'

export const PHRASES: Readonly<Record<NotificationLanguage, Phrases>> = { en, de }
