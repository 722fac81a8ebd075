/** Run by `scripts/test-examples.mjs`, which builds the receivers first and can choose some by their names. */
import { IN_LANGUAGES, PLAIN } from './conformance/list.ts'
import { describeReceivers } from './conformance/suite.ts'

const chosen = process.env.TEST_RECEIVERS?.split(',')
describeReceivers([...IN_LANGUAGES, ...PLAIN].filter(({ name }) => chosen?.includes(name) ?? true))
