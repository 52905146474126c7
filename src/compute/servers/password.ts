/** Passwords of servers: changing the one inside, and the encrypted one that the guest left with us. */
import type { RequestContext } from '../../oslo/context.ts'
import { isRemote } from '../../oslo/messaging/failure.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { Fault, type FaultKind } from '../faults.ts'
import { callCompute } from '../rpc/compute.ts'
import { refusalOf } from './ask.ts'
import { refuseLockAsState } from './checks.ts'
import { detailsOf } from './details.ts'
import { inCell } from './in-cell.ts'
import { checkState } from './states.ts'
import { startTask } from './task.ts'

const refusals: Readonly<Record<string, FaultKind>> = {
  InstanceAgentNotEnabled: 'conflict',
  InstancePasswordSetFailed: 'conflict',
  QemuGuestAgentNotEnabled: 'conflict',
  SetAdminPasswdNotSupported: 'conflict',
}

/** Waits for the compute, which alone knows whether the guest has taken it. */
export async function changePassword(backends: Backends, context: RequestContext, server: Server, password: string): Promise<void> {
  // nova/api/openstack/compute/admin_password.py knows locks as invalid states alone
  refuseLockAsState(context, server, 'changePassword')
  checkState(server, 'changePassword')
  const details = detailsOf(backends, server)
  try {
    await startTask(backends, context, details, {
      verb: 'changePassword',
      action: 'changePassword',
      changes: { taskState: 'updating_password' },
      send: (instance) => callCompute(backends, context, server, 'set_admin_password', instance, { new_pass: password }),
    })
  } catch (error) {
    if (isRemote(error, 'NotImplementedError')) throw new Fault('notImplemented', 'Unable to set password on instance')
    throw refusalOf(error, refusals)
  }
}

/** It is kept in pieces of 255 characters. nova/api/metadata/password.py */
const pieces = ['password_0', 'password_1', 'password_2', 'password_3']

/** Encrypted with the server's key; empty when there is none. */
export async function storedPassword(backends: Backends, server: Server): Promise<string> {
  const metadata = await detailsOf(backends, server).get('systemMetadata')
  const keys = Object.keys(metadata).filter((key) => key.startsWith('password_'))
  return keys
    .sort()
    .map((key) => metadata[key] ?? '')
    .join('')
}

/** The password inside the server stays as it is. */
export async function forgetPassword(backends: Backends, server: Server): Promise<void> {
  const empty = Object.fromEntries(pieces.map((key) => [key, '']))
  await inCell(backends, server, (cell) => cell.systemMetadata.set(server.uuid, empty))
}
