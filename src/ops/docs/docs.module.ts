import { Module } from '@nestjs/common';
import { DocsController } from './docs.controller.js';
import { DocsFiles } from './docs-files.js';

/** The protocol as a document and as a page; part of the application unless `DOCS=off`. */
@Module({ controllers: [DocsController], providers: [DocsFiles] })
export class DocsModule {}
