import { WITH_CLIENT } from './conformance/list.ts'
import { describeReceivers } from './conformance/suite.ts'

describeReceivers(WITH_CLIENT)
