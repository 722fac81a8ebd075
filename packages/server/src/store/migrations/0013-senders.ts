import type { Migration } from './migration.ts'

export const senders: Migration = {
  does: 'Adds whether requests named the type of their event.',
  // Older nodes don't look at it. While they run next to newer ones, requests of theirs are shown with the header too, if
  // both have the same version and settings.
  compatibleFrom: 2,
  statements: [
    `alter table sender add column names_type {small} not null default 0`,
    `drop index sender_content`,
    `create unique index sender_content on sender (user_agent, api_version, names_type)`,
  ],
}
