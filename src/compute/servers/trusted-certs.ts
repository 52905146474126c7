/** Certificates against which computes check the signatures of images. */
import type { Backends } from '../backends.ts'

/** Those that are asked for, or those that [glance] says when images are verified. nova/compute/api.py API._retrieve_trusted_certs_object */
export function trustedCertsOr({ settings }: Pick<Backends, 'settings'>, asked: readonly string[] | null): readonly string[] | null {
  if (asked && asked.length > 0) return asked
  const { verifyGlanceSignatures, enableCertificateValidation, defaultTrustedCertificateIds } = settings.glance
  return verifyGlanceSignatures && enableCertificateValidation && defaultTrustedCertificateIds.length > 0
    ? defaultTrustedCertificateIds
    : null
}
