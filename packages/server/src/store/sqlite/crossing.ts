/** How calls and what they answer cross to the store's thread and back, as their operations declare it. */
import type { OperationCall } from '../driver.ts'
import { type OperationName, operationOf } from '../operations/index.ts'

/** A call on its way to the thread, which is to `unpackCall` it. */
export function packCall(call: OperationCall): OperationCall {
  const codec = operationOf(call.name).packedArgs
  return codec === undefined ? call : ({ name: call.name, args: codec.pack(call.args as never) } as OperationCall)
}

export function unpackCall(call: OperationCall): OperationCall {
  const codec = operationOf(call.name).packedArgs
  return codec === undefined ? call : ({ name: call.name, args: codec.unpack(call.args) } as OperationCall)
}

/** What an operation answers, on its way back, where it is to be `unpackResult`ed. */
export function packResult(name: OperationName, value: unknown): unknown {
  const codec = operationOf(name).packedResult
  return codec === undefined ? value : codec.pack(value)
}

export function unpackResult(name: OperationName, value: unknown): unknown {
  const codec = operationOf(name).packedResult
  return codec === undefined ? value : codec.unpack(value)
}
