import { Body, Controller, Get, NotFoundException, Param, ParseIntPipe, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiProperty } from '@nestjs/swagger';
import { InjectRepository } from '@nestjs/typeorm';
import { Length } from 'class-validator';
import { Repository } from 'typeorm';
import { Public } from './jwt.guard.js';
import { Note } from './note.entity.js';

class NewNote {
  @ApiProperty()
  @Length(1, 20)
  text!: string;
}

@ApiBearerAuth()
@Controller('notes')
export class NotesController {
  constructor(@InjectRepository(Note) private readonly notes: Repository<Note>) {}

  @Public()
  @Get()
  list(): Promise<Note[]> {
    return this.notes.find();
  }

  @Public()
  @Get('failing')
  fail(): never {
    throw new Error('a fault of the host');
  }

  @Public()
  @Get(':id')
  async one(@Param('id', ParseIntPipe) id: number): Promise<Note> {
    const note = await this.notes.findOneBy({ id });
    if (note === null) throw new NotFoundException(`there is no note ${id}`);
    return note;
  }

  @Post()
  add(@Body() { text }: NewNote): Promise<Note> {
    return this.notes.save({ text });
  }
}
