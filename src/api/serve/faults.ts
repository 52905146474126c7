/** The one place where refusals become answers: which status each kind has, and Nova's form of an error body. */
import type { Response } from '../../app/contract.ts'
import { Fault, type FaultKind } from '../../compute/faults.ts'
import { refusedElsewhere } from '../../compute/refused-elsewhere.ts'
import { classOf, classOfFault } from './unforeseen.ts'

/** The usual status of each kind; an operation may say another. */
const statuses: Readonly<Record<FaultKind, number>> = {
  invalid: 400,
  badRequest: 400,
  conflict: 409,
  forbidden: 403,
  notFound: 404,
  malformedBody: 400,
  malformedRequest: 400,
  notAuthorized: 401,
  unsupportedContentType: 415,
  noSuchAction: 400,
  queryNotUtf8: 400,
  badVersionString: 400,
  versionNotServed: 406,
  otherProject: 400,
  policyRefused: 403,
  gone: 410,
  unforeseen: 500,
  markerNotFound: 400,
  projectNotFound: 400,
  keystoneNotFound: 400,
  cellDown: 500,
  serverNotFound: 404,
  missing: 404,
  unsupported: 400,
  notImplemented: 501,
  serverUnmapped: 404,
  serverLocked: 409,
  serverNotReady: 409,
  wrongState: 409,
  unfitState: 409,
  computeDown: 409,
  computeHostNotFound: 400,
  undelivered: 503,
  attachFailed: 500,
  unanswered: 504,
  imageNotFound: 404,
  imageNotAuthorized: 403,
  imageBadRequest: 400,
  migrationNotFound: 404,
  migrationNotFoundByStatus: 404,
  migrationState: 400,
  invalidVolume: 400,
  flavorNotFound: 404,
  flavorExists: 409,
  flavorIdExists: 409,
  flavorAccessExists: 409,
  flavorAccessNotFound: 404,
  accessToPublicFlavor: 409,
  noAccessList: 404,
  extraSpecNotFound: 404,
  // key pairs
  keyPairNotFound: 404,
  keyPairExists: 409,
  keyPairLimitExceeded: 403,
  invalidKeyPair: 400,
  markerMissing: 400,
  // quotas
  limitTooLow: 400,
  limitTooHigh: 400,
  tooManyServerGroups: 403,
  volumeNotAttached: 400,
  volumeAttachedOften: 400,
  // aggregates, services, hosts
  invalidInput: 400,
  aggregateNotFound: 404,
  aggregateExists: 409,
  aggregateHostExists: 409,
  aggregateHostNotFound: 404,
  aggregateHostRefused: 409,
  aggregateHostKept: 409,
  aggregateNotUpdated: 400,
  aggregateMetadataNotUpdated: 400,
  providerConflict: 409,
  hostNotMapped: 404,
  hostBinaryNotFound: 404,
  serviceNotFound: 404,
  serviceNotUnique: 400,
  computeUnavailable: 400,
  hypervisorNotFound: 404,
  noSuchHypervisors: 404,
  evacuationsRemain: 400,
  computeInUse: 409,
  computeHasMoves: 409,
  // shares
  shareNotFound: 404,
  shareUnavailable: 409,
  shareExists: 409,
  shareProtocolUnsupported: 409,
  shareWithoutLocation: 409,
  sharesTooEarly: 403,
  sharesNotConfigured: 409,
  // creating servers
  unfitFlavorImage: 400,
  overQuota: 403,
  undeliveredBuild: 503,
  tooManyServers: 403,
  metadataLimitExceeded: 403,
  fileLimitExceeded: 403,
  filePathLimitExceeded: 403,
  fileContentLimitExceeded: 403,
  portLimitExceeded: 403,
  groupMemberLimitExceeded: 403,
  serverGroupNotFound: 404,
  imageNotActive: 400,
  imageUnacceptable: 400,
  autoDiskConfigDisabled: 400,
  zeroDiskFlavor: 403,
  invalidBlockDevice: 400,
  volumeNotBootable: 400,
  volumeNotFound: 404,
  snapshotNotFound: 404,
  volumeTypeNotFound: 404,
  volumeZoneMismatch: 400,
  multiattachTooEarly: 400,
  networkNotFound: 404,
  networkAmbiguous: 409,
  networkRequiresSubnet: 400,
  cannotAutoAllocate: 400,
  portNotFound: 404,
  portInUse: 409,
  portRequiresFixedIp: 400,
  fixedIpInUse: 400,
  launchFailed: 400,
  deviceProfileError: 400,
}

/** Kinds that any operation may answer, whatever errors it declares (nova/api/openstack/wsgi.py expected_errors). */
const general: ReadonlySet<FaultKind> = new Set([
  'invalid',
  'policyRefused',
  'notAuthorized',
  'notFound',
  'queryNotUtf8',
  'gone',
  'unsupported',
  'cellDown',
  'forbidden',
  'zeroDiskFlavor',
  'serverNotReady',
  'undelivered',
  'undeliveredBuild',
  'unanswered',
])

/** nova/api/openstack/wsgi.py Fault._fault_names */
const names: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  429: 'overLimit',
  501: 'notImplemented',
  503: 'serviceUnavailable',
}

export interface Refusal {
  readonly status: number
  readonly message: string
  /** The error to be logged, when nobody foresaw it. */
  readonly cause?: unknown
}

export interface Declared {
  readonly errors: readonly number[]
  readonly faults: Partial<Record<FaultKind, number>>
}

/** What the caller is told of an error. One that is no `Fault`, or whose status the operation does not declare, is a 500 that tells nothing. */
export function toRefusal(error: unknown, { errors, faults }: Declared): Refusal {
  const fault = error instanceof Fault ? error : refusedElsewhere(error)
  if (fault) {
    const status = faults[fault.kind] ?? statuses[fault.kind]
    if (general.has(fault.kind) || errors.includes(status)) return { status, message: fault.message }
  }
  return {
    status: 500,
    message: new Fault('unforeseen', `<class '${error instanceof Fault ? classOfFault(error.kind) : classOf(error)}'>`).message,
    cause: error,
  }
}

/** The status of a kind that is refused before any operation is known. */
export const statusOf = (kind: FaultKind): number => statuses[kind]

/** An error answer in Nova's form. */
export function faultResponse({ status, message }: Refusal): Response {
  return {
    status,
    headers: [['Content-Type', 'application/json; charset=UTF-8']],
    body: JSON.stringify({ [names[status] ?? 'computeFault']: { code: status, message } }),
  }
}
