import { Worker } from 'node:worker_threads'

/**
 * Starts a thread.
 *
 * @param youngMegabytes limit for short-lived objects: by default V8 lets them take 64 MB before it collects any
 * @param data what the thread finds in `workerData`. Default: nothing
 */
export function startThread(file: URL, youngMegabytes: number, data?: unknown): Worker {
  const start = (flags: readonly string[]) =>
    // Otherwise a diagnostic report would list the environment, which has keys in it, again for each thread.
    new Worker(file, {
      execArgv: [...flags, '--report-exclude-env'],
      workerData: data,
      resourceLimits: { maxYoungGenerationSizeMb: youngMegabytes },
    })
  try {
    return start(flagsForThreads(process.execArgv))
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_WORKER_INVALID_EXEC_ARGV') throw error
    // There are flags of the whole process (`--max-old-space-size`); these apply to its threads anyway.
    return start([])
  }
}

/**
 * Of the flags that the process was started with, those that measure. The others are for the program that it runs, which
 * might be another than Posthorn: with its `--input-type`, no thread could start, and each would run its `--import`.
 */
function flagsForThreads(flags: readonly string[]): string[] {
  return flags.filter((flag, at) => {
    const isValue = !flag.startsWith('-') && at > 0 && !flags[at - 1]!.includes('=')
    return /^--(?:cpu-prof|heap-prof|trace-)/.test(isValue ? flags[at - 1]! : flag)
  })
}
