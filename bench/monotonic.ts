/** The clock that all processes of one machine share, milliseconds since it was started. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1_000_000
