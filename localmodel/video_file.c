#include "video_file.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum { IO_SIZE = 65536, VIDEO_MOST = 256 << 20 };

/* A file in memory. */
typedef struct Memory {
    unsigned char *data;
    size_t length, capacity, at;
} Memory;

/* ---- the file ---- */

/* The bytes that are written are const from libavformat 61 on. */
#if LIBAVFORMAT_VERSION_MAJOR >= 61
typedef const uint8_t WrittenByte;
#else
typedef uint8_t WrittenByte;
#endif

static int memory_write(void *context, WrittenByte *data, int size) {
    Memory *memory = context;
    size_t end = memory->at + (size_t)size;
    if (end > VIDEO_MOST)
        return AVERROR(ENOSPC);
    if (end > memory->capacity) {
        size_t capacity = memory->capacity ? memory->capacity : IO_SIZE;
        while (capacity < end)
            capacity *= 2;
        unsigned char *larger = realloc(memory->data, capacity);
        if (!larger)
            return AVERROR(ENOMEM);
        memory->data = larger;
        memory->capacity = capacity;
    }
    memcpy(memory->data + memory->at, data, (size_t)size);
    memory->at = end;
    memory->length = end > memory->length ? end : memory->length;
    return size;
}

static int memory_read(void *context, uint8_t *data, int size) {
    Memory *memory = context;
    size_t left = memory->length - memory->at;
    size_t length = left < (size_t)size ? left : (size_t)size;
    if (length == 0)
        return AVERROR_EOF;
    memcpy(data, memory->data + memory->at, length);
    memory->at += length;
    return (int)length;
}

static int64_t memory_seek(void *context, int64_t offset, int whence) {
    Memory *memory = context;
    if (whence == AVSEEK_SIZE)
        return (int64_t)memory->length;
    int64_t at = whence == SEEK_CUR   ? (int64_t)memory->at + offset
                 : whence == SEEK_END ? (int64_t)memory->length + offset
                                      : offset;
    if (at < 0 || at > (int64_t)memory->length)
        return AVERROR(EINVAL);
    memory->at = (size_t)at;
    return at;
}

/* Wrap a file in memory for the library. */
static AVIOContext *memory_io(Memory *memory, bool write) {
    unsigned char *buffer = av_malloc(IO_SIZE);
    return avio_alloc_context(buffer, IO_SIZE, write, memory, write ? NULL : memory_read,
                              write ? memory_write : NULL, memory_seek);
}

static void free_io(AVIOContext *io) {
    if (io)
        av_freep(&io->buffer);
    avio_context_free(&io);
}

/* ---- writing ---- */

struct VideoWriter {
    Memory memory;
    AVFormatContext *format;
    AVCodecContext *codec;
    AVStream *stream;
    AVFrame *frame;
    AVPacket *packet;
    struct SwsContext *colours;
    int64_t count;
};

static void free_writer(VideoWriter *writer) {
    if (writer->format)
        free_io(writer->format->pb);
    avformat_free_context(writer->format);
    avcodec_free_context(&writer->codec);
    av_frame_free(&writer->frame);
    av_packet_free(&writer->packet);
    sws_freeContext(writer->colours);
    free(writer->memory.data);
    free(writer);
}

/* Set the encoder up: fast, since the pictures are simple, and with one thread, since many
 * requests may be at work. */
static bool open_codec(VideoWriter *writer, int width, int height) {
    const AVCodec *encoder = avcodec_find_encoder_by_name("libx264");
    AVDictionary *options = NULL;
    if (!encoder)
        encoder = avcodec_find_encoder(AV_CODEC_ID_H264);
    writer->codec = encoder ? avcodec_alloc_context3(encoder) : NULL;
    if (!writer->codec)
        return false;
    writer->codec->width = width;
    writer->codec->height = height;
    writer->codec->time_base = (AVRational){1, VIDEO_FPS};
    writer->codec->framerate = (AVRational){VIDEO_FPS, 1};
    writer->codec->pix_fmt = AV_PIX_FMT_YUV420P;
    writer->codec->thread_count = 1;
    writer->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    av_dict_set(&options, "preset", "ultrafast", 0);
    av_dict_set(&options, "crf", "23", 0);
    bool ok = avcodec_open2(writer->codec, encoder, &options) == 0;
    av_dict_free(&options);
    return ok;
}

/* Set the file up; its index goes to its front, so that it plays while it is fetched. */
static bool open_file(VideoWriter *writer) {
    AVDictionary *options = NULL;
    if (avformat_alloc_output_context2(&writer->format, NULL, "mp4", NULL) < 0)
        return false;
    writer->format->pb = memory_io(&writer->memory, true);
    writer->stream = avformat_new_stream(writer->format, NULL);
    if (!writer->stream ||
        avcodec_parameters_from_context(writer->stream->codecpar, writer->codec) < 0)
        return false;
    writer->stream->time_base = writer->codec->time_base;
    bool ok = avformat_write_header(writer->format, &options) >= 0;
    av_dict_free(&options);
    return ok;
}

VideoWriter *video_begin(int width, int height) {
    VideoWriter *writer = mem_new(1, sizeof *writer);
    av_log_set_level(AV_LOG_ERROR);
    writer->frame = av_frame_alloc();
    writer->packet = av_packet_alloc();
    writer->colours = sws_getContext(width, height, AV_PIX_FMT_RGB24, width, height,
                                     AV_PIX_FMT_YUV420P, SWS_BILINEAR, NULL, NULL, NULL);
    bool ok = writer->frame && writer->packet && writer->colours &&
              open_codec(writer, width, height) && open_file(writer);
    if (ok) {
        writer->frame->format = AV_PIX_FMT_YUV420P;
        writer->frame->width = width;
        writer->frame->height = height;
        ok = av_frame_get_buffer(writer->frame, 0) == 0;
    }
    if (ok)
        return writer;
    free_writer(writer);
    return NULL;
}

/* Take what the encoder has ready. */
static bool drain(VideoWriter *writer) {
    int got;
    while ((got = avcodec_receive_packet(writer->codec, writer->packet)) == 0) {
        writer->packet->duration = 1;
        av_packet_rescale_ts(writer->packet, writer->codec->time_base, writer->stream->time_base);
        writer->packet->stream_index = writer->stream->index;
        if (av_interleaved_write_frame(writer->format, writer->packet) < 0)
            return false;
    }
    return got == AVERROR(EAGAIN) || got == AVERROR_EOF;
}

bool video_add(VideoWriter *writer, const Image *frame) {
    const uint8_t *const rows[] = {frame->rgb};
    const int stride[] = {frame->width * 3};
    if (av_frame_make_writable(writer->frame) < 0)
        return false;
    sws_scale(writer->colours, rows, stride, 0, frame->height, writer->frame->data,
              writer->frame->linesize);
    writer->frame->pts = writer->count++;
    return avcodec_send_frame(writer->codec, writer->frame) == 0 && drain(writer);
}

bool video_end(VideoWriter *writer, unsigned char **bytes, size_t *length) {
    bool ok = avcodec_send_frame(writer->codec, NULL) == 0 && drain(writer) &&
              av_write_trailer(writer->format) == 0;
    avio_flush(writer->format->pb);
    if (ok) {
        *bytes = writer->memory.data;
        *length = writer->memory.length;
        writer->memory.data = NULL;
    }
    free_writer(writer);
    return ok;
}

/* ---- looking into one ---- */

typedef struct Reader {
    Memory memory;
    AVFormatContext *format;
    AVCodecContext *codec;
    AVIOContext *io;
    int stream;
} Reader;

static void close_reader(Reader *reader) {
    avcodec_free_context(&reader->codec);
    avformat_close_input(&reader->format);
    free_io(reader->io);
}

static bool open_reader(Reader *reader, const unsigned char *bytes, size_t length) {
    const AVCodec *decoder = NULL;
    *reader = (Reader){.memory = {.data = (unsigned char *)bytes, .length = length}};
    av_log_set_level(AV_LOG_ERROR);
    reader->io = memory_io(&reader->memory, false);
    reader->format = avformat_alloc_context();
    reader->format->pb = reader->io;
    if (avformat_open_input(&reader->format, NULL, NULL, NULL) < 0 ||
        avformat_find_stream_info(reader->format, NULL) < 0)
        return false;
    reader->stream = av_find_best_stream(reader->format, AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0);
    if (reader->stream < 0 || !decoder)
        return false;
    reader->codec = avcodec_alloc_context3(decoder);
    reader->codec->thread_count = 1;
    return avcodec_parameters_to_context(reader->codec,
                                         reader->format->streams[reader->stream]->codecpar) == 0 &&
           avcodec_open2(reader->codec, decoder, NULL) == 0;
}

/* Copy a decoded frame as RGB. */
static bool take_frame(const AVFrame *from, Image *image) {
    struct SwsContext *colours =
        sws_getContext(from->width, from->height, (enum AVPixelFormat)from->format, from->width,
                       from->height, AV_PIX_FMT_RGB24, SWS_BILINEAR, NULL, NULL, NULL);
    if (!colours)
        return false;
    image_free(image);
    *image = (Image){.width = from->width, .height = from->height};
    image->full_width = image->width;
    image->full_height = image->height;
    image->rgb = mem_new((size_t)image->width * (size_t)image->height, 3);
    uint8_t *const rows[] = {image->rgb};
    const int stride[] = {image->width * 3};
    sws_scale(colours, (const uint8_t *const *)from->data, from->linesize, 0, from->height, rows,
              stride);
    sws_freeContext(colours);
    return true;
}

bool video_frame(const unsigned char *bytes, size_t length, double place, Image *image) {
    Reader reader;
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    bool found = false, ended = false;
    *image = (Image){0};
    if (open_reader(&reader, bytes, length)) {
        int64_t frames = reader.format->streams[reader.stream]->nb_frames;
        int64_t wanted = (int64_t)(place * (double)(frames > 0 ? frames - 1 : 0)), at = 0;
        while (!ended && at <= wanted) {
            ended = av_read_frame(reader.format, packet) < 0;
            if (ended || packet->stream_index == reader.stream)
                avcodec_send_packet(reader.codec, ended ? NULL : packet);
            av_packet_unref(packet);
            while (at <= wanted && avcodec_receive_frame(reader.codec, frame) == 0)
                if (at++ == wanted || frames <= 0)
                    found = take_frame(frame, image);
        }
    }
    close_reader(&reader);
    av_packet_free(&packet);
    av_frame_free(&frame);
    return found;
}
