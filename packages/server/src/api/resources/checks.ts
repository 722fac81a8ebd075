import { Type } from 'typebox'
import { LEVELS } from '../../base/findings.ts'
import type { Routes } from '../http/routes.ts'
import { NoQuery, ref, TextOrNull, Time, time, Word } from '../http/shapes.ts'
import type { ApiOptions, ChecksReport } from '../options.ts'
import { resource } from '../resource.ts'
import examples from './checks.examples.json' with { type: 'json' }

const Level = Word(LEVELS, {
  description:
    '`ok`; `warn`: something needs attention, or could not be checked; `fail`: something is wrong, so that events can ' +
    'be lost or cannot be accepted or delivered.',
})

const FindingSchema = Type.Object(
  {
    level: Level,
    part: Type.String({ description: 'What was checked, in one or two words.' }),
    message: Type.String({ description: 'What was found.' }),
    advice: TextOrNull({ description: 'What to do. Null if nothing needs doing.' }),
  },
  { $id: 'Finding' },
)

const ChecksSchema = Type.Object(
  {
    level: Word(LEVELS, { description: 'The worst level of all findings.' }),
    node: Type.String({ description: 'Id of the node that ran the checks.' }),
    checkedAt: Time('When the checks were complete.'),
    durationMs: Type.Integer({ description: 'How long they took, in milliseconds.' }),
    data: Type.Array(ref(FindingSchema), { description: 'At least one finding for each check.' }),
  },
  { $id: 'Checks' },
)

/** What `posthorn doctor` finds, checked by the running server. */
export const checksResource = resource({
  tag: 'Operations',
  components: [FindingSchema, ChecksSchema],
  examples,
  add(routes, _services, options) {
    addChecks(routes, options)
  },
})

function addChecks(routes: Routes, { checks, nodeId }: Pick<ApiOptions, 'checks' | 'nodeId'>): void {
  routes.get(
    '/v1/checks',
    {
      access: 'read',
      operationId: 'getChecks',
      summary: 'Check the installation',
      description:
        'Runs the checks of `posthorn doctor` in the node that responds. Needs a key with the scope `all` or `read` ' +
        'that is not limited to one tenant. The result is kept for a minute; the call takes 15 seconds at most.',
      querystring: NoQuery,
      response: { 200: { ...ref(ChecksSchema), description: 'The findings.' } },
    },
    async () => viewChecks(await checks(), nodeId),
  )
}

function viewChecks({ findings, checkedAtMs, durationMs }: ChecksReport, node: string) {
  const level = LEVELS.findLast(each => findings.some(finding => finding.level === each)) ?? 'ok'
  const data = findings.map(({ level, part, says, advice }) => ({ level, part, message: says, advice }))
  return { level, node, checkedAt: time(checkedAtMs), durationMs, data }
}
