import { Controller, Get, Header, Req } from '@nestjs/common';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';

const PAGE = readFileSync(new URL('page.html', import.meta.url), 'utf8');
const SCRIPT = readFileSync(new URL('page.js', import.meta.url), 'utf8');

/** Serves the page from the origin of the WebSocket, so that `ALLOWED_ORIGINS` can stay empty. */
@Controller('call')
export class CallController {
  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header(
    'Content-Security-Policy',
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'",
  )
  page(@Req() { url = '' }: IncomingMessage): string {
    // A browser resolves the address of the script against that of the page, which may have a slash at its end.
    return /^[^?]*\/(\?|$)/.test(url) ? PAGE.replace('src="call/', 'src="') : PAGE;
  }

  @Get('page.js')
  @Header('Content-Type', 'text/javascript; charset=utf-8')
  script(): string {
    return SCRIPT;
  }
}
