/** Opens what an export is written to, and says how far it is and how to continue it. */
import { existsSync } from 'node:fs'
import type { ServerRun } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { Problem } from '../../problem.ts'
import { Progress } from '../../terminal/progress.ts'
import { ownCommand } from '../../terminal/shell.ts'
import { scopeFlags } from '../scope.ts'
import { counted } from '../values.ts'
import { Exporter, isNotFound } from './exporter.ts'
import { findPosition, NotAnExport, type Position } from './position.ts'
import { openFile, toOutput, type Writer } from './writer.ts'

export type ExportFlags = { readonly output?: string; readonly resume?: boolean; readonly overwrite?: boolean }

/** @param tenant null: all of them */
export async function exportTo(
  run: ServerRun,
  tenant: string | null,
  { output, resume = false, overwrite = false }: ExportFlags,
): Promise<void> {
  const { out, terminal } = run
  const found = await positionIn(output, { resume, overwrite }, tenant)
  if (found?.isComplete === true) {
    return out.note(`${output} is complete already, with ${counted(found.lines, 'line')}.`)
  }
  if (tenant !== null && found !== null && !(await exists(run, tenant))) {
    const what = `There is no tenant ${tenant} at ${run.url} any longer: what ${output} lacks of it is lost`
    throw new Problem(`${what}. The file stays as it is.`, EXIT.notFound)
  }
  // Before a file is made for a tenant that isn't there.
  if (tenant !== null) await run.posthorn.tenants.get(tenant)
  const position = tenant === null && found !== null ? await withoutDeleted(run, found) : found
  const words = ['export', ...scopeFlags(tenant), '--output', output ?? '', '--resume']
  const again = output === undefined ? null : ownCommand(words, terminal.env)
  const leave = new AbortController()
  let isLeft = false
  const release = terminal.onInterrupt(() => {
    isLeft = true
    leave.abort()
  })
  const writer: Writer = output === undefined ? toOutput(out) : await openFile(output, position?.offset ?? 0)
  // A person who reads what is written needs no line about it in between.
  const isShown = output !== undefined || !terminal.isTty
  const progress = new Progress({
    output: isShown ? terminal.stderr : { write: () => true },
    clock: terminal.clock,
    label: 'Exporting',
    unit: 'lines',
    done: position?.lines ?? 0,
  })
  try {
    await new Exporter(run, writer, progress, leave.signal).run(tenant, position)
  } catch (error) {
    progress.end()
    if (!isLeft) {
      if (again !== null && progress.done > 0) out.note(`What was written stays. To continue: ${again}`)
      throw error
    }
    run.exitCode = EXIT.signal + 2
    out.note(`Left after ${counted(progress.done, 'line')}.${again === null ? '' : ` To continue: ${again}`}`)
    return
  } finally {
    progress.end()
    release()
    await writer.end()
  }
  if (output !== undefined) out.note(`${output} is complete, with ${counted(progress.done, 'line')}.`)
}

/** The part of a tenant that was deleted in the meantime can't be completed: it is left out, as one that began later is. */
async function withoutDeleted(run: ServerRun, position: Position): Promise<Position> {
  const { open } = position
  if (open === null || (await exists(run, open.tenant))) return position
  run.out.note(`The tenant ${open.tenant} was deleted in the meantime: it is left out.`)
  return { ...position, ...open.start, open: null }
}

async function exists({ posthorn }: ServerRun, tenant: string): Promise<boolean> {
  try {
    await posthorn.tenants.get(tenant)
    return true
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}

/** Null for an export that begins. Throws Problem for a file that must not be written to. */
async function positionIn(
  output: string | undefined,
  { resume, overwrite }: { readonly resume: boolean; readonly overwrite: boolean },
  tenant: string | null,
): Promise<Position | null> {
  if (output === undefined || overwrite || !existsSync(output)) return null
  if (!resume) {
    throw new Problem(`${output} exists. Continue it with --resume, or replace it with --overwrite.`, EXIT.usage)
  }
  let position: Position
  try {
    position = await findPosition(output, tenant === null)
  } catch (error) {
    if (!(error instanceof NotAnExport)) throw error
    throw new Problem(`${output} is not an export: ${error.message} Choose another file.`, EXIT.usage, { cause: error })
  }
  const others = [...position.complete, ...(position.open === null ? [] : [position.open.tenant])].filter(
    each => each !== tenant,
  )
  if (tenant !== null && others.length > 0) {
    throw new Problem(`${output} is an export of ${others[0]}, not of ${tenant}. Choose another file.`, EXIT.usage)
  }
  return position
}
