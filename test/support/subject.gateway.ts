import { Module } from '@nestjs/common';
import { SubscribeMessage } from '@nestjs/websockets';
import { CertificateSubject } from '../../src/gateway/nest/session.decorators.js';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';

/** Returns the certificate subject of a session. */
@MessagingGateway()
class SubjectGateway {
  @SubscribeMessage('subject')
  subject(@CertificateSubject() subject: unknown) {
    return subject ?? 'none';
  }
}

@Module({ providers: [SubjectGateway] })
export class SubjectModule {}
