import { Catch, NotFoundException, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { rejectRequest } from '../gateway/http/rejection.js';

/** A request of Express, which keeps the URL before any router has shortened it. */
type RoutedRequest = IncomingMessage & { readonly originalUrl?: string };

/**
 * Answers a path that no controller has in the JSON form of a rejected handshake. Exceptions of controllers keep the
 * answer of Nest. Filters of the application come first.
 */
@Catch(NotFoundException)
export class UnknownPathFilter extends BaseExceptionFilter<NotFoundException> {
  override catch(exception: NotFoundException, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw exception; // the caller of a resolver answers in its own form
    const http = host.switchToHttp();
    if (isUnknownPath(exception, http.getRequest<RoutedRequest>()))
      return rejectRequest(http.getResponse<ServerResponse>(), { code: 'not_found' });
    // oxlint-disable-next-line promise/valid-params -- the `catch` of a filter, not of a promise
    super.catch(exception, host);
  }
}

/** Recognises the text that Nest gives to its own exception for a path without a route. */
function isUnknownPath({ message }: NotFoundException, { method, originalUrl, url }: RoutedRequest): boolean {
  return message === `Cannot ${method} ${originalUrl ?? url}`;
}
