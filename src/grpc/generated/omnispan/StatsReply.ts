// Original file: proto/omnispan.proto

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
}
