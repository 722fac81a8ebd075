/** The monotonic clock that all processes of a machine share, in milliseconds since an arbitrary point. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1_000_000
