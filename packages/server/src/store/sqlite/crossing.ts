/** How calls and their results cross to the store's thread and back, as their operations declare it. */
import type { OperationCall } from '../driver.ts'
import { type OperationName, operationOf } from '../operations/index.ts'

/** Packs a call for the thread, which restores it with `unpackCall`. */
export function packCall(call: OperationCall): OperationCall {
  const codec = operationOf(call.name).packedArgs
  return codec === undefined ? call : ({ name: call.name, args: codec.pack(call.args as never) } as OperationCall)
}

export function unpackCall(call: OperationCall): OperationCall {
  const codec = operationOf(call.name).packedArgs
  return codec === undefined ? call : ({ name: call.name, args: codec.unpack(call.args) } as OperationCall)
}

/** Packs an operation's result for the way back, where `unpackResult` restores it. */
export function packResult(name: OperationName, value: unknown): unknown {
  const codec = operationOf(name).packedResult
  return codec === undefined ? value : codec.pack(value)
}

export function unpackResult(name: OperationName, value: unknown): unknown {
  const codec = operationOf(name).packedResult
  return codec === undefined ? value : codec.unpack(value)
}
