/**
 * The HTTP port: /health (the process runs), /ready (it serves SQL; 503 while it starts or drains),
 * /metrics (Prometheus).
 */
import type { HttpRequest, HttpResponse } from '../env/env.js';
import { type MetricSource, renderMetrics } from './metrics.js';

export interface HttpState {
  readonly nodeId: number;
  readonly state: () => 'starting' | 'serving' | 'draining' | 'stopped';
  readonly sources: readonly MetricSource[];
}

export function handleHttp(state: HttpState, request: HttpRequest): HttpResponse {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return text(405, 'only GET is served here\n');
  }
  switch (request.path.split('?')[0]) {
    case '/health':
      return json(200, { status: 'ok', node: state.nodeId });
    case '/ready': {
      const now = state.state();
      return json(now === 'serving' ? 200 : 503, { status: now, node: state.nodeId });
    }
    case '/metrics':
      return {
        status: 200,
        contentType: 'text/plain; version=0.0.4; charset=utf-8',
        body: renderMetrics(state.sources),
      };
    default:
      return text(404, 'not found: try /health, /ready or /metrics\n');
  }
}

function json(status: number, value: unknown): HttpResponse {
  return { status, contentType: 'application/json', body: `${JSON.stringify(value)}\n` };
}

function text(status: number, body: string): HttpResponse {
  return { status, contentType: 'text/plain; charset=utf-8', body };
}
