// Original file: proto/omnispan.proto

import type { WorkerHello as _omnispan_WorkerHello, WorkerHello__Output as _omnispan_WorkerHello__Output } from '../omnispan/WorkerHello.ts';
import type { WorkerLoad as _omnispan_WorkerLoad, WorkerLoad__Output as _omnispan_WorkerLoad__Output } from '../omnispan/WorkerLoad.ts';
import type { Long } from '@grpc/proto-loader';

export interface StatsReply {
  'uptimeSeconds'?: (number | string | Long);
  'acceptedRequests'?: (number | string | Long);
  'queueDepth'?: (number | string | Long);
  'mode'?: (string);
  'inFlight'?: (number | string | Long);
  'settledRequests'?: (number | string | Long);
  'refusedRequests'?: (number | string | Long);
  'dispatches'?: (number | string | Long);
  'dispatchedRequests'?: (number | string | Long);
  'workerState'?: (string);
  'queuedBytes'?: (number | string | Long);
  'retriedRequests'?: (number | string | Long);
  'workerRestarts'?: (number | string | Long);
  'workerDetail'?: (string);
  'worker'?: (_omnispan_WorkerHello | null);
  'load'?: (_omnispan_WorkerLoad | null);
}

export interface StatsReply__Output {
  'uptimeSeconds': (number);
  'acceptedRequests': (number);
  'queueDepth': (number);
  'mode': (string);
  'inFlight': (number);
  'settledRequests': (number);
  'refusedRequests': (number);
  'dispatches': (number);
  'dispatchedRequests': (number);
  'workerState': (string);
  'queuedBytes': (number);
  'retriedRequests': (number);
  'workerRestarts': (number);
  'workerDetail': (string);
  'worker': (_omnispan_WorkerHello__Output | null);
  'load': (_omnispan_WorkerLoad__Output | null);
}
