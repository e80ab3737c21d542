import { Module } from '@nestjs/common';
import { SubscribeMessage } from '@nestjs/websockets';
import { CertificateSubject } from '../../src/gateway/nest/session.decorators.js';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';

/** Tells a session whose certificate it came with. */
@MessagingGateway()
class SubjectGateway {
  @SubscribeMessage('subject')
  subject(@CertificateSubject() subject: unknown) {
    return subject ?? 'nobody';
  }
}

@Module({ providers: [SubjectGateway] })
export class SubjectModule {}
