/**
 * Traces: a span for each call that publishes, and one for each attempt. An attempt's span is a child of the
 * publisher's own span, whose `traceparent` is kept with the event, so that even a late attempt on another node finds
 * it. Without a `traceparent` it is a child of the call's span.
 */
import { type Context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import type { BeginPublishTrace } from '../api/options.ts'
import { parseTraceparent, type TraceContext, writeTraceparent } from '../base/trace-context.ts'
import type { BeginTrace } from '../engine/attempt/trace.ts'

function contextOf(parent: TraceContext | null): Context {
  if (parent === null) return ROOT_CONTEXT
  const { traceId, spanId, isSampled } = parent
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: isSampled ? 1 : 0, isRemote: true })
}

function traceparentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return writeTraceparent({ traceId, spanId, isSampled: (traceFlags & 1) === 1 })
}

export function publishTraces(tracer: Tracer): BeginPublishTrace {
  return (tenant, traceparent) => {
    const parent = parseTraceparent(traceparent)
    const attributes = { 'posthorn.tenant': tenant }
    const span = tracer.startSpan('posthorn publish', { kind: SpanKind.SERVER, attributes }, contextOf(parent))
    return {
      // If the span is not recorded, its `traceparent` is not stored with the events either.
      traceparent: traceparent ?? (span.isRecording() ? traceparentOf(span) : null),
      end(events) {
        if (events === null) span.setStatus({ code: SpanStatusCode.ERROR })
        else span.setAttribute('posthorn.events', events)
        span.end()
      },
    }
  }
}

/** @param isForwarded whether receivers get a `traceparent` header */
export function attemptTraces(tracer: Tracer, isForwarded: boolean): BeginTrace {
  return ({ endpoint, route }, item) => {
    const { tenant, event, delivery, type, attempts } = item
    const attributes = {
      'posthorn.tenant': tenant,
      'posthorn.endpoint': endpoint.id,
      'posthorn.event': event,
      'posthorn.delivery': delivery,
      'posthorn.event_type': type,
      'posthorn.attempt': attempts + 1,
      'http.request.method': 'POST',
      // Never the path: it might be the secret that protects the receiver.
      'server.address': new URL(route.origin).hostname,
    }
    const parent = parseTraceparent(item.traceparent ?? null)
    const span = tracer.startSpan('posthorn attempt', { kind: SpanKind.CLIENT, attributes }, contextOf(parent))
    return {
      traceparent: isForwarded ? traceparentOf(span) : null,
      end(exchange) {
        if (exchange === null) span.setAttribute('posthorn.not_begun', true)
        else {
          const { status, failure } = exchange
          if (status !== null) span.setAttribute('http.response.status_code', status)
          if (failure !== null) span.setAttribute('error.type', failure)
          if (status === null || status < 200 || status > 299) span.setStatus({ code: SpanStatusCode.ERROR })
        }
        span.end()
      },
    }
  }
}
