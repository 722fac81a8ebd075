export { type EventToPublish, publish, type SqlTransaction } from './publish.ts'
