// Written by switchboard-types. Do not edit; write it again when the server changes.

/** The message types of the server, for `connect<Messages>()` of switchboard-client. */
export interface Messages {
  /** Rolls a die. */
  'dice.roll': {
    request: RollDto;
    answer: RolledDto;
  };
  /** Rolls several dice. */
  'dice.several': {
    request: {
      count: number;
    };
    answer: RolledDto[];
  };
  /** Handled by DescribedGateway. */
  'dice.sides': {
    request: unknown;
    answer: number;
  };
  /** Handled by DescribedGateway. */
  'guest.add': {
    request: GuestDto;
  };
  /** Handled by DescribedGateway. */
  'guest.any': {
    request: unknown;
    answer: unknown;
  };
  /** Handled by DescribedGateway. */
  'job.generate': {
    request: unknown;
    stream: unknown;
  };
  /** Handled by DescribedGateway. */
  'job.observe': {
    request: unknown;
    stream: unknown;
  };
  /** Handled by DescribedGateway. */
  'job.run': {
    request: unknown;
    stream: ProgressDto;
  };
  /** Handled by OrdersGateway. */
  'order.cancel': {
    request: {
      number: number;
    };
    answer: unknown;
  };
  /** Handled by OrdersGateway. */
  'order.menu': {
    request: unknown;
    answer: unknown[];
  };
  /** Places an order. */
  'order:place': {
    request: OrderDto;
    answer: Receipt;
  };
  /** Sent by DescribedGateway. */
  'poll.closed': {
    notice: unknown;
  };
  /** Sent by DescribedGateway. */
  'poll.counts': {
    notice: number[];
  };
  /** Sent by DescribedGateway. */
  'poll.opened': {
    notice: OpenedDto;
  };
  /** Handled by DescribedGateway. */
  'tree.grown': {
    request: number;
    answer: unknown;
    notice: TreeDto;
  };
  /** Handled by DescribedGateway. */
  'tree.save': {
    request: TreeDto;
    answer: TreeDto;
  };
}

export interface GuestDto {
  mail: string;
  from: string;
  wishes?: string[];
}

export interface ItemDto {
  sku: string;
  count: number;
}

/** A poll that has been opened. */
export interface OpenedDto {
  question: string;
}

export interface OrderDto {
  /** A note for the kitchen. */
  note: string;
  size: 'S' | 'L';
  where: 'here' | 'away' | 3;
  items: ItemDto[];
  gift?: ItemDto;
  tags: string[];
  tip?: number;
  card?: string;
  key: string;
  terms: true;
  table: string;
  mail?: string;
  floor: 0 | 1;
}

export interface ProgressDto {
  percent: number;
  state: 'running' | 'done';
}

export interface Receipt {
  number: number;
}

export interface RollDto {
  /** The number of sides of the die. */
  sides: number;
}

export interface RolledDto {
  rolled: number;
}

export interface TreeDto {
  name: string;
  children: TreeDto[];
}
