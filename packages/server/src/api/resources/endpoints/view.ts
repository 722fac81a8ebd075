import { type Endpoint, kindOf } from '../../../base/model.ts'
import { showHeaders } from '../../../secrets/secret-headers.ts'
import type { Described } from '../../../services/endpoints/authentication.ts'
import type { EndpointNumbers } from '../../../services/endpoints/endpoint-stats.ts'
import type { HealthReport } from '../../../services/endpoints/health-report.ts'
import { attemptsOf } from '../../../services/stats.ts'
import { time, timeOrNull } from '../../http/shapes.ts'
import type { EndpointView } from './schemas.ts'

export function viewEndpoint(
  endpoint: Endpoint,
  { authentication, warnings, pausedUntilMs, report }: Described,
): EndpointView {
  const { id, tenant, uid, name, url, types, filter, description, metadata, headers, schedule, timeoutMs, rateLimit } =
    endpoint
  const { secretFingerprint, secretExpiresAtMs, nextSecret, signing, clientCertificate, oauth } = authentication
  return {
    id,
    tenant,
    kind: kindOf(url),
    uid,
    name,
    url,
    types,
    filter,
    description,
    metadata,
    headers: showHeaders(headers),
    signatureHeaders: endpoint.signatureHeaders,
    schedule,
    timeoutMs,
    rateLimit,
    ordered: endpoint.ordered,
    state: endpoint.state,
    disabledReason: endpoint.disabledReason,
    disabledAt: timeOrNull(endpoint.disabledAtMs),
    failingSince: timeOrNull(endpoint.health.failingSinceMs),
    pausedUntil: timeOrNull(pausedUntilMs),
    health: viewHealth(report),
    secretFingerprint,
    secretExpiresAt: timeOrNull(secretExpiresAtMs),
    nextSecret:
      nextSecret === null
        ? null
        : {
            fingerprint: nextSecret.fingerprint,
            switchAt: time(nextSecret.switchAtMs),
            expiresAt: timeOrNull(nextSecret.expiresAtMs),
          },
    signing: signing.map(({ version, fingerprint, publicKey, createdAtMs, untilMs }) => ({
      version,
      fingerprint,
      publicKey,
      createdAt: time(createdAtMs),
      expiresAt: timeOrNull(untilMs),
    })),
    clientCertificate:
      clientCertificate === null
        ? null
        : {
            subject: clientCertificate.subject,
            fingerprint: clientCertificate.fingerprint,
            expiresAt: time(clientCertificate.expiresAtMs),
          },
    oauth: oauth === null ? null : { ...oauth, resource: oauth.resource.length === 0 ? null : oauth.resource },
    lastListenedAt: timeOrNull(endpoint.seenAtMs),
    createdAt: time(endpoint.createdAtMs),
    updatedAt: time(endpoint.updatedAtMs),
    warnings: [...warnings],
  }
}

function viewHealth({ state, failingSinceMs, lastFailure, pausedUntilMs }: HealthReport): EndpointView['health'] {
  return {
    state,
    failingSince: timeOrNull(failingSinceMs),
    lastError: lastFailure?.error ?? null,
    lastStatus: lastFailure?.status ?? null,
    lastFailureAt: timeOrNull(lastFailure?.endedAtMs ?? null),
    pausedUntil: timeOrNull(pausedUntilMs),
  }
}

/** What happened at the endpoint, as lists show it that ask for it. */
export function viewNumbers({ fromMs, toMs, counts, lastDelivery }: EndpointNumbers): EndpointView['stats'] {
  const { delivered, exhausted, cancelled } = counts
  const { attempts, failed } = attemptsOf(counts)
  return {
    from: time(fromMs),
    to: time(toMs),
    deliveries: { delivered, exhausted, cancelled },
    attempts,
    failedAttempts: failed,
    failureRate: attempts === 0 ? null : failed / attempts,
    lastDelivery:
      lastDelivery === null
        ? null
        : { id: lastDelivery.id, state: lastDelivery.state, endedAt: time(lastDelivery.endedAtMs) },
  }
}
