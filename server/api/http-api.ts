import type { AddressInfo } from 'node:net'
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type onResponseHookHandler,
} from 'fastify'
import { KvError } from '../../shared/errors.ts'
import { Backlog } from './backlog.ts'
import { batchRoute } from './batch-route.ts'
import { BrowserGuard } from './browser-guard.ts'
import { chaosRoutes } from './chaos-routes.ts'
import { refuseClient } from './client-error.ts'
import type { ApiComponents, ApiContext, ApiSettings } from './context.ts'
import { docsRoutes } from './docs-routes.ts'
import { apiError, sendError } from './errors.ts'
import { healthRoutes } from './health-routes.ts'
import { inspectionRoutes } from './inspection-routes.ts'
import { keyRoutes } from './key-routes.ts'
import { LiveStreams } from './live-streams.ts'
import { metricsRoute } from './metrics-route.ts'
import { notFoundHandler } from './not-found.ts'
import { repairRoutes } from './repair-routes.ts'
import { RequestMetrics } from './request-metrics.ts'
import { Responder } from './responder.ts'
import { ringRoutes } from './ring-routes.ts'
import { methodsOf, type Route } from './route.ts'
import { scanRoutes } from './scan-route.ts'
import { KEY_PATH, routedUrl } from './target.ts'

/** The HTTP server of one node: it parses, calls the coordinator, and prints. */
export class HttpApi {
  /** For tests, which can inject requests without a socket. */
  readonly app: FastifyInstance
  private readonly context: ApiContext
  private readonly metrics = new RequestMetrics()
  private readonly backlog = new Backlog()
  private readonly responder: Responder
  private readonly live = new LiveStreams()

  constructor(components: ApiComponents, settings: ApiSettings) {
    this.context = { ...components, settings }
    this.responder = new Responder({ clock: components.clock, metrics: this.metrics, backlog: this.backlog })
    this.app = this.makeServer()
    this.app.server.maxConnections = settings.maxConnections
    this.guard()
    // A value is bytes whatever its type says; nothing is parsed on the way.
    this.app.removeAllContentTypeParsers()
    this.app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    const routes = this.routes()
    for (const route of routes) if (!route.streams) this.addRoute(this.app, route)
    this.app.register(async (scope) => {
      scope.removeAllContentTypeParsers()
      scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
      for (const route of routes) if (route.streams) this.addRoute(scope, route)
    })
    this.app.setNotFoundHandler(notFoundHandler(routes))
    this.app.setErrorHandler((thrown, request, reply) => this.answerError(thrown, request, reply))
  }

  /** @returns the port. @throws KvError `conflict` where it is taken, `usage` where the address is not this machine's. */
  async listen(host: string, port: number): Promise<number> {
    try {
      await this.app.listen({ host, port })
    } catch (error) {
      throw listenError(error as NodeJS.ErrnoException, host, port)
    }
    return (this.app.server.address() as AddressInfo).port
  }

  /** Takes no more connections, ends batches after the lines under way, and resolves when all is answered. */
  async close(): Promise<void> {
    this.live.stopAll()
    await this.app.close()
  }

  /** Cuts off whoever is left. */
  abort(): void {
    this.app.server.closeAllConnections()
  }

  private makeServer(): FastifyInstance {
    const { maxValueBytes, maxHeaderBytes, timeouts } = this.context.settings
    return Fastify({
      logger: false,
      bodyLimit: maxValueBytes,
      // Answers while it closes come from the coordinator, which knows what is still under way.
      return503OnClosing: false,
      forceCloseConnections: 'idle',
      rewriteUrl: ({ method, url }) => routedUrl(method, url ?? '/'),
      requestTimeout: timeouts.requestMs,
      connectionTimeout: timeouts.silenceMs,
      keepAliveTimeout: timeouts.keepAliveMs,
      http: {
        maxHeaderSize: maxHeaderBytes,
        headersTimeout: timeouts.headersMs,
        connectionsCheckingInterval: timeouts.checkMs,
        highWaterMark: 64 * 1024,
      },
      frameworkErrors: (thrown, _request, reply) => sendError(reply as FastifyReply, apiError(thrown)),
      clientErrorHandler: (error, socket) => {
        // A batch takes as long as it takes; its silence is what is bounded.
        if ((error as NodeJS.ErrnoException).code === 'ERR_HTTP_REQUEST_TIMEOUT' && this.live.has(socket))
          return
        refuseClient(error, socket)
      },
    })
  }

  private routes(): Route[] {
    const { context } = this
    const routes = [
      ...keyRoutes(context, this.responder),
      batchRoute(context, this.live),
      ...scanRoutes(context),
      ...ringRoutes(context),
      ...inspectionRoutes(context),
      ...healthRoutes(context),
      metricsRoute(context, this.metrics),
      ...repairRoutes(context),
      ...chaosRoutes(context),
    ]
    routes.push(...docsRoutes(context, routes))
    return routes
  }

  private addRoute(app: FastifyInstance, route: Route): void {
    const { path, handler } = route
    app.route({
      method: [...methodsOf(route)],
      url: path.replace('/kv/{key}', '/kv/key').replace(/\{(\w+)\}/g, ':$1'),
      exposeHeadRoute: route.method === 'GET',
      handler,
      ...(path === '/kv/{key}' ? {} : { onResponse: this.observer(path) }),
    })
  }

  private observer(path: string): onResponseHookHandler {
    return (request, reply, done) => {
      this.metrics.observe(request.method, path, reply.raw.statusCode, reply.elapsedTime / 1000)
      done()
    }
  }

  private guard(): void {
    const { settings, clock } = this.context
    const guard = new BrowserGuard(settings.hostNames)
    this.app.decorateRequest('beganMs', 0)
    this.app.addHook('onRequest', (request, reply, done) => {
      request.beganMs = clock.monotonicMs()
      done(guard.refusal(request.method, request.headers) ?? this.backlog.enter(request.socket, reply.raw))
    })
  }

  private answerError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const error = apiError(thrown)
    if (error.code === 'internal') {
      const { message, stack = '' } = thrown as Error
      this.context.trace.event('error', 'http.failed', { method: request.method, message, stack })
    }
    if (request.url === KEY_PATH) this.responder.count(request, error.kind.http)
    sendError(reply, error)
  }
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new KvError(
        'conflict',
        `port ${port} of ${host} is in use by another process`,
        'stop that process, or choose another --http-port (0 takes a free one)',
      )
    case 'EACCES':
      return new KvError('forbidden', `port ${port} may not be used by this user`, 'choose one above 1023')
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new KvError('usage', `${host} is not an address of this machine`, 'see --host')
    default:
      return error
  }
}
