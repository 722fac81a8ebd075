export {
  type Authority,
  type Certificate,
  type CertificateRequest,
  createAuthority,
  type Validity,
} from './certificates.ts'
export { makeCostlyChain } from './costly-chain.ts'
export { isExecutable } from './executable.ts'
export {
  HOSTILE_KINDS,
  type HostileKind,
  type HostileOptions,
  type HostileReceiver,
  startHostileReceiver,
} from './hostile.ts'
export {
  type NameQuestion,
  type NameRecord,
  type NameReply,
  type NameServer,
  type NameServerOptions,
  startNameServer,
} from './name-server.ts'
export { type NodeOptions, type RunningNode, startNode } from './node.ts'
export { ask, findFreePort, type Postgres, type PostgresOptions, startPostgres } from './postgres.ts'
export { accountToRunAs } from './postgres-installation.ts'
export { startProxy, type TcpProxy } from './proxy.ts'
export {
  type ReceivedRequest,
  type Receiver,
  type ReceiverOptions,
  type Reply,
  type Script,
  startReceiver,
} from './receiver.ts'
export { createSignal, type Signal, type WaitOptions } from './signal.ts'
export { spawnTethered, type Tethered, type TetheredOptions } from './tethered.ts'
