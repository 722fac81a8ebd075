/** Numbers over time. */
import { type Static, Type } from 'typebox'
import { GRAIN_NAMES } from '../../store/operations/stats.ts'
import { IntegerOrNull, ref, Time, Word } from './shapes.ts'

export const StepQuery = Word(GRAIN_NAMES, {
  description: 'How long each step is; without it, as the time asked for suggests. Steps begin in UTC.',
})

export const StatsPointSchema = Type.Object(
  {
    from: Time('When the step began.'),
    deliveries: Type.Object(
      { delivered: Type.Integer(), exhausted: Type.Integer(), cancelled: Type.Integer() },
      { description: 'Deliveries that ended in it, by how.' },
    ),
    attempts: Type.Object(
      {
        '2xx': Type.Integer(),
        '3xx': Type.Integer(),
        '4xx': Type.Integer(),
        '5xx': Type.Integer(),
        other: Type.Integer({ description: 'Another status.' }),
        none: Type.Integer({ description: 'No answer.' }),
      },
      { description: 'Attempts that ended in it, by what was answered.' },
    ),
    latencyMs: Type.Object(
      { p50: IntegerOrNull(), p95: IntegerOrNull(), p99: IntegerOrNull() },
      {
        description:
          'How long the attempts took that came as far as a connection, in milliseconds, to within 5 %; null: none did.',
      },
    ),
  },
  { $id: 'StatsPoint' },
)
export type StatsPointView = Static<typeof StatsPointSchema>

export const StatsSchema = Type.Object(
  {
    step: Word(GRAIN_NAMES),
    from: Time('The beginning of the first step.'),
    to: Time('The end of the last step.'),
    total: ref<StatsPointView>('StatsPoint'),
    data: Type.Array(ref<StatsPointView>('StatsPoint'), { description: 'Every step, in order, empty ones included.' }),
  },
  { $id: 'Stats' },
)
export type StatsView = Static<typeof StatsSchema>
