import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { addCommand, type ServerRun, withServer } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { Problem } from '../../problem.ts'
import type { Terminal } from '../../terminal/index.ts'
import { Progress } from '../../terminal/progress.ts'
import { ownCommand } from '../../terminal/shell.ts'
import { addScope, type ScopeFlags, scopeFlags, scopeOf } from '../scope.ts'
import { counted } from '../values.ts'
import { Exporter } from './exporter.ts'
import { findPosition, NotAnExport, type Position } from './position.ts'
import { openFile, toOutput, type Writer } from './writer.ts'

type Flags = ScopeFlags & { readonly output?: string; readonly resume?: boolean; readonly overwrite?: boolean }

export function addExport(root: Command, terminal: Terminal): void {
  const command = addCommand(root, 'export', 'Write everything that is kept of a tenant, or of all, as NDJSON.', [
    ['posthorn export --tenant acme --output acme.ndjson', 'Into a file. Ctrl-C, and --resume continues.'],
    ['posthorn export --all-tenants --output all.ndjson --resume', 'All tenants, one after the other.'],
    [`posthorn export --tenant acme | jq -c 'select(.kind == "event").payload'`, 'The payloads, to standard output.'],
  ])
  addScope(command)
    .option('--output <file>', 'The file to write. Default: standard output.')
    .option('--resume', 'Continue the file where it was cut off.')
    .option('--overwrite', 'Replace the file.')
    .addHelpText(
      'after',
      "\nA JSON object a line, each with its kind: event_type, export (a tenant's part begins), tenant, endpoint," +
        '\nnotification, event, delivery, attempt, end (the part is complete, with the number of its lines) and, at the' +
        '\nend of the file, end_of_export. Without that line the file is incomplete. No secrets are in it. An API key' +
        '\nthat cannot see payloads gets neither those nor what receivers responded. See docs/retention.md.\n',
    )
  withServer(command, terminal, async (run, flags: Flags) => {
    const tenant = scopeOf(run, flags)
    if (tenant === null && flags.allTenants !== true) {
      throw new Problem('Choose the tenant with --tenant, or all of them with --all-tenants.', EXIT.usage)
    }
    if (flags.output === undefined && flags.resume === true) {
      throw new Problem('Only a file can be continued: add --output <file>.', EXIT.usage)
    }
    await exportTo(run, tenant, flags)
  })
}

async function exportTo(
  run: ServerRun,
  tenant: string | null,
  { output, resume = false, overwrite = false }: Flags,
): Promise<void> {
  const { out, terminal } = run
  const position = await positionIn(output, { resume, overwrite }, tenant)
  if (position?.isComplete === true) {
    return out.note(`${output} is complete already, with ${counted(position.lines, 'line')}.`)
  }
  // Before a file is made for a tenant that isn't there.
  if (tenant !== null) await run.posthorn.tenants.get(tenant)
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
