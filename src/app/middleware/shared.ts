/** The filters of this directory under every name that paste files have used for them, with options from settings and from their paste sections. */
import type { Option, OptionGroup, Settings } from '../../oslo/config/options.ts'
import { settings } from '../../oslo/config/settings.ts'
import type { Sources } from '../../oslo/config/sources.ts'
import type { Log } from '../../oslo/log.ts'
import type { Filter } from '../contract.ts'
import type { FilterFactory, Registry, Variables } from '../paste.ts'
import { computeRequestId, requestId } from './compute-request-id.ts'
import { cors, corsOptions } from './cors.ts'
import { faultWrap } from './fault-wrap.ts'
import { healthcheck, healthcheckOptions } from './healthcheck.ts'
import { httpProxyToWsgi, proxyOptions } from './http-proxy-to-wsgi.ts'
import { legacyV2Compatible } from './legacy-v2-compatible.ts'
import { osprofiler, profilerOptions } from './osprofiler.ts'
import { requestLog } from './request-log.ts'
import { secureProxyOptions, secureProxySslHeader } from './secure-proxy-ssl-header.ts'
import { sizeLimit, sizeLimitOptions } from './size-limit.ts'

/** All options that the filters here read, for the reference of options. */
export const sharedFilterOptions = [corsOptions, proxyOptions, secureProxyOptions, sizeLimitOptions, profilerOptions, healthcheckOptions]

/** Registry entries of all filters here, and of the health check. `logger` makes named logs (`Logs.named`). */
export function sharedFilters(sources: Sources, logger: (name: string) => Log): Registry {
  /** Settings of a group; variables of the paste section beat files (oslo_middleware/base.py _conf_get). */
  const read = <O extends Record<string, Option<unknown>>>(
    group: OptionGroup<O>,
    globalConf: Variables,
    localConf: Variables,
  ): Settings<OptionGroup<O>> => settings(group, sources, { values: { ...globalConf, ...localConf } })

  const makeCors: FilterFactory = (globalConf, localConf) => {
    if (localConf.allowed_origin === undefined && localConf.oslo_config_project === undefined)
      throw new Error('allowed_origin or oslo_config_project is required')
    return cors(read(corsOptions, globalConf, localConf))
  }
  const makeProxy: FilterFactory = (globalConf, localConf) => httpProxyToWsgi(read(proxyOptions, globalConf, localConf))
  const makeSizeLimit: FilterFactory = (globalConf, localConf) => sizeLimit(read(sizeLimitOptions, globalConf, localConf))
  const makeProfiler: FilterFactory = () => osprofiler({ ...settings(profilerOptions, sources), log: logger('nova.profiler') })
  const makeHealthcheck = (globalConf: Variables, localConf: Variables) => healthcheck(read(healthcheckOptions, globalConf, localConf))
  const noFilter: FilterFactory = () => {
    throw new Error('a health check is an application, not a filter: use paste.app_factory = oslo_middleware:Healthcheck.app_factory')
  }
  // Each of Nova's filters looks at secure_proxy_ssl_header; faultwrap stands in every pipeline, before all that ask for the scheme.
  const makeFaultWrap = (): Filter => {
    const wrap = faultWrap({ log: logger('nova.api.openstack') })
    const scheme = secureProxySslHeader(settings(secureProxyOptions, sources))
    return (app) => scheme(wrap(app))
  }

  return {
    filters: {
      ...named(
        makeCors,
        'oslo_middleware.cors:filter_factory',
        'oslo_middleware.cors:CORS.factory',
        'oslo_middleware:CORS.factory',
        'egg:oslo.middleware#cors',
      ),
      ...named(
        makeProxy,
        'oslo_middleware.http_proxy_to_wsgi:HTTPProxyToWSGI.factory',
        'oslo_middleware:HTTPProxyToWSGI.factory',
        'egg:oslo.middleware#http_proxy_to_wsgi',
      ),
      ...named(
        makeSizeLimit,
        'oslo_middleware:RequestBodySizeLimiter.factory',
        'oslo_middleware.sizelimit:RequestBodySizeLimiter.factory',
        'oslo.middleware.sizelimit:RequestBodySizeLimiter.factory',
        'nova.api.sizelimit:RequestBodySizeLimiter.factory',
        'egg:oslo.middleware#sizelimit',
      ),
      ...named(
        () => requestId(),
        'oslo_middleware:RequestId.factory',
        'oslo_middleware.request_id:RequestId.factory',
        'egg:oslo.middleware#request_id',
      ),
      ...named(() => computeRequestId(), 'nova.api.compute_req_id:ComputeReqIdMiddleware.factory'),
      ...named(makeFaultWrap, 'nova.api.openstack:FaultWrapper.factory'),
      ...named(() => requestLog({ log: logger('nova.api.openstack.requestlog') }), 'nova.api.openstack.requestlog:RequestLog.factory'),
      ...named(() => legacyV2Compatible(), 'nova.api.openstack:LegacyV2CompatibleWrapper.factory'),
      ...named(makeProfiler, 'nova.profiler:WsgiMiddleware.factory', 'osprofiler.web:WsgiMiddleware.factory', 'egg:osprofiler#osprofiler'),
      ...named(noFilter, 'oslo_middleware:Healthcheck.factory', 'oslo_middleware.healthcheck:Healthcheck.factory'),
    },
    apps: {
      ...named(
        makeHealthcheck,
        'oslo_middleware:Healthcheck.app_factory',
        'oslo_middleware.healthcheck:Healthcheck.app_factory',
        'egg:oslo.middleware#healthcheck',
      ),
    },
  }
}

const named = <T>(factory: T, ...names: string[]): Record<string, T> => Object.fromEntries(names.map((name) => [name, factory]))
