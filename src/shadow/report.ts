/** What is told of a difference: one line of JSON, without secrets, and not the same again and again. */
import type { Answer, AnswerHeaders } from './compare/answers.ts'
import { pointerOf } from './compare/document.ts'
import { kindOf } from './compare/route.ts'
import { maskedTarget, maskedValue, maskText } from './compare/secrets.ts'
import { type Counts, type Latencies, lossKinds } from './counts.ts'
import { headerIn } from './headers.ts'
import type { Verdict } from './mirror.ts'

/** Differences within one answer that are told. */
const mostPointers = 20
/** Kinds that are told apart. */
const mostKinds = 1000

export interface Report {
  tell(verdict: Verdict): void
  summary(): Summary
}

export interface Summary {
  readonly kind: 'summary'
  readonly time: string
  readonly seconds: number
  readonly counts: Counts
  readonly waiting: number
  readonly ms: { readonly real: ReturnType<Latencies['quantiles']>; readonly ours: ReturnType<Latencies['quantiles']> }
  /** How often each kind was seen, the most frequent first. */
  readonly kinds: readonly { readonly kind: string; readonly times: number }[]
}

export interface ReportParts {
  /** Takes a line with its end. */
  readonly write: (line: string) => void
  readonly repeat: number
  readonly counts: Counts
  readonly waiting: () => number
  readonly took: { readonly real: Latencies; readonly ours: Latencies }
  readonly now: () => Date
}

export function report({ write, repeat, counts, waiting, took, now }: ReportParts): Report {
  const kinds = new Map<string, number>()
  const started = now().getTime()
  return {
    tell(verdict) {
      const name = kindOfVerdict(verdict)
      const kind = kinds.has(name) || kinds.size < mostKinds ? name : 'others'
      const times = (kinds.get(kind) ?? 0) + 1
      kinds.set(kind, times)
      if (times > repeat) return
      const line = {
        time: now().toISOString(),
        ...lineOf(verdict),
        ...(times === repeat && { note: 'further ones of this kind are only counted' }),
      }
      write(`${JSON.stringify(line)}\n`)
    },
    summary: () => ({
      kind: 'summary',
      time: now().toISOString(),
      seconds: Math.round((now().getTime() - started) / 1000),
      counts,
      waiting: waiting(),
      ms: { real: took.real.quantiles(), ours: took.ours.quantiles() },
      kinds: [...kinds].map(([kind, times]) => ({ kind, times })).sort((a, b) => b.times - a.times),
    }),
  }
}

function kindOfVerdict(verdict: Verdict): string {
  const { question, route } = verdict.read
  const what = `${question.method} ${maskedTarget(kindOf(route))}`
  if (verdict.kind === 'unanswered') return `${what}: ${verdict.error.code}`
  const { found, real, ours } = verdict
  const parts = [
    ...(found.status ? [`${real.status} is ${ours.status}`] : []),
    ...found.headers.map(({ name }) => name),
    ...new Set(found.body.slice(0, mostPointers).map(({ keys }) => pointerOf(keys.map((key) => (/^\d+$/.test(key) ? '*' : key))))),
  ]
  return `${what}: ${parts.join(', ')}`
}

function lineOf(verdict: Verdict): Record<string, unknown> {
  const { method, target, headers } = verdict.read.question
  const asked = {
    kind: verdict.kind,
    method,
    path: maskedTarget(target),
    microversion: headerIn(headers, 'openstack-api-version') ?? headerIn(headers, 'x-openstack-nova-api-version') ?? null,
  }
  if (verdict.kind === 'unanswered') {
    const { code, message } = verdict.error
    const { answer } = verdict.read
    return { ...asked, error: code, message: maskText(message), status: { real: answer.status }, requestId: { real: requestId(answer) } }
  }
  const { real, ours, found, lasting } = verdict
  return {
    ...asked,
    status: { real: real.status, ours: ours.status },
    ...(found.headers.length > 0 && { headers: found.headers.map((each) => ({ ...each, ...maskedSides([each.name], each) })) }),
    differences: found.body.slice(0, mostPointers).map(({ keys, ...sides }) => ({ pointer: pointerOf(keys), ...maskedSides(keys, sides) })),
    ...(found.body.length > mostPointers && { more: found.body.length - mostPointers }),
    requestId: { real: requestId(real), ours: requestId(ours) },
    ms: { real: Math.round(real.ms), ours: Math.round(ours.ms) },
    // whether ours said the same a moment later
    lasting,
  }
}

const maskedSides = (keys: readonly string[], sides: { readonly real?: unknown; readonly ours?: unknown }) => ({
  ...(Object.hasOwn(sides, 'real') && { real: maskedValue(keys, sides.real) }),
  ...(Object.hasOwn(sides, 'ours') && { ours: maskedValue(keys, sides.ours) }),
})

const requestId = ({ headers }: { readonly headers: AnswerHeaders } | Answer): string | null => {
  const value = headers['x-openstack-request-id'] ?? headers['x-compute-request-id']
  return typeof value === 'string' ? value : (value?.[0] ?? null)
}

/** For people. */
export function summaryText({ seconds, counts, waiting, ms, kinds }: Summary): string {
  const { requests, reads, realFailed, compared, same, races, different, unsettled, unanswered, dropped } = counts
  const losses = Object.entries(dropped).filter(([, times]) => times > 0)
  const side = ({ count, p50, p90, p99, max }: Summary['ms']['real']) =>
    `${String(count).padStart(8)} answers   p50 ${p50} ms   p90 ${p90} ms   p99 ${p99} ms   longest ${max} ms`
  return [
    `${requests} requests in ${seconds} s, ${reads} of them reads${realFailed > 0 ? `; ${realFailed} without an answer of the real one` : ''}`,
    `${compared} compared: ${same} the same${races > 0 ? ` (${races} after another look: something had changed in between)` : ''}, ${different} different, ${unsettled} changed too fast to say`,
    ...(unanswered > 0 ? [`${unanswered} not answered by ours`] : []),
    ...losses.map(([loss, times]) => `${times} not compared: ${lossKinds[loss as keyof typeof lossKinds]}`),
    ...(waiting > 0 ? [`${waiting} wait`] : []),
    `real ${side(ms.real)}`,
    `ours ${side(ms.ours)}`,
    ...kinds.slice(0, 20).map(({ kind, times }) => `${String(times).padStart(6)} × ${kind}`),
    '',
  ].join('\n')
}

/** In Prometheus' text format. */
export function metricsText({ counts, waiting }: Summary, took: ReportParts['took']): string {
  const { dropped, ...numbers } = counts
  const counters = Object.entries({
    requests: 'Requests of clients.',
    reads: 'Reads among them.',
    realFailed: 'Without an answer of the real one.',
    compared: 'Reads answered by both.',
    same: 'Answered alike.',
    races: 'Alike after another look.',
    different: 'Answered differently.',
    unsettled: 'Changed too fast to say.',
    unanswered: 'Not answered by ours.',
  } satisfies Record<keyof typeof numbers, string>)
  const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  const lines = counters.flatMap(([name, help]) => {
    const metric = `nova_shadow_${snake(name)}_total`
    return [`# HELP ${metric} ${help}`, `# TYPE ${metric} counter`, `${metric} ${numbers[name as keyof typeof numbers]}`]
  })
  lines.push('# HELP nova_shadow_dropped_total Reads that were not compared.', '# TYPE nova_shadow_dropped_total counter')
  for (const [loss, times] of Object.entries(dropped)) lines.push(`nova_shadow_dropped_total{reason="${snake(loss)}"} ${times}`)
  lines.push(
    '# HELP nova_shadow_waiting Reads that wait to be compared.',
    '# TYPE nova_shadow_waiting gauge',
    `nova_shadow_waiting ${waiting}`,
  )
  lines.push('# HELP nova_shadow_seconds How long reads took.', '# TYPE nova_shadow_seconds histogram')
  for (const side of ['real', 'ours'] as const) {
    const { buckets, sum, count } = took[side].histogram()
    for (const [bound, below] of buckets) lines.push(`nova_shadow_seconds_bucket{side="${side}",le="${bound}"} ${below}`)
    lines.push(`nova_shadow_seconds_bucket{side="${side}",le="+Inf"} ${count}`)
    lines.push(`nova_shadow_seconds_sum{side="${side}"} ${sum}`, `nova_shadow_seconds_count{side="${side}"} ${count}`)
  }
  return `${lines.join('\n')}\n`
}
