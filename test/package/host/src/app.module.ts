import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { JwtModule } from '@nestjs/jwt';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuthController } from './auth.controller.js';
import { EnvelopeInterceptor } from './envelope.interceptor.js';
import { ErrorsFilter } from './errors.filter.js';
import { JwtGuard } from './jwt.guard.js';
import { LiveGateway } from './live.gateway.js';
import { Note } from './note.entity.js';
import { NotesController } from './notes.controller.js';

@Module({
  imports: [
    ConfigModule.forRoot({
      isGlobal: true,
      ignoreEnvFile: true,
      load: [() => ({ port: Number(process.env['PORT']) })],
    }),
    TypeOrmModule.forRoot({ type: 'sqljs', entities: [Note], synchronize: true }),
    TypeOrmModule.forFeature([Note]),
    JwtModule.register({ secret: 'a secret of the host', signOptions: { noTimestamp: true } }),
  ],
  controllers: [AuthController, NotesController],
  providers: [
    LiveGateway,
    { provide: APP_GUARD, useClass: JwtGuard },
    { provide: APP_FILTER, useClass: ErrorsFilter },
    { provide: APP_INTERCEPTOR, useClass: EnvelopeInterceptor },
  ],
})
export class AppModule {}
