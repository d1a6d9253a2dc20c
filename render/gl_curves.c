#include "render/gl_curves.h"

#include <SDL_opengles2.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "render/window.h"

// The functions of OpenGL ES 2 used here, looked up in whichever library SDL loaded.
#define GL_FUNCTIONS(X)                                                                            \
    X(void, ActiveTexture, (GLenum))                                                               \
    X(void, AttachShader, (GLuint, GLuint))                                                        \
    X(void, BindAttribLocation, (GLuint, GLuint, const GLchar *))                                  \
    X(void, BindBuffer, (GLenum, GLuint))                                                          \
    X(void, BindTexture, (GLenum, GLuint))                                                         \
    X(void, Clear, (GLbitfield))                                                                   \
    X(void, ClearColor, (GLfloat, GLfloat, GLfloat, GLfloat))                                      \
    X(void, CompileShader, (GLuint))                                                               \
    X(GLuint, CreateProgram, (void))                                                               \
    X(GLuint, CreateShader, (GLenum))                                                              \
    X(void, DeleteProgram, (GLuint))                                                               \
    X(void, DeleteShader, (GLuint))                                                                \
    X(void, DeleteTextures, (GLsizei, const GLuint *))                                             \
    X(void, Disable, (GLenum))                                                                     \
    X(void, DisableVertexAttribArray, (GLuint))                                                    \
    X(void, DrawArrays, (GLenum, GLint, GLsizei))                                                  \
    X(void, Enable, (GLenum))                                                                      \
    X(void, EnableVertexAttribArray, (GLuint))                                                     \
    X(void, GenTextures, (GLsizei, GLuint *))                                                      \
    X(void, GetFloatv, (GLenum, GLfloat *))                                                        \
    X(void, GetIntegerv, (GLenum, GLint *))                                                        \
    X(void, GetProgramiv, (GLuint, GLenum, GLint *))                                               \
    X(void, GetVertexAttribiv, (GLuint, GLenum, GLint *))                                          \
    X(GLint, GetUniformLocation, (GLuint, const GLchar *))                                         \
    X(GLboolean, IsEnabled, (GLenum))                                                              \
    X(void, LinkProgram, (GLuint))                                                                 \
    X(void, ShaderSource, (GLuint, GLsizei, const GLchar *const *, const GLint *))                 \
    X(void, TexImage2D,                                                                            \
      (GLenum, GLint, GLint, GLsizei, GLsizei, GLint, GLenum, GLenum, const void *))               \
    X(void, TexParameteri, (GLenum, GLenum, GLint))                                                \
    X(void, Uniform1i, (GLint, GLint))                                                             \
    X(void, UseProgram, (GLuint))                                                                  \
    X(void, VertexAttribPointer, (GLuint, GLint, GLenum, GLboolean, GLsizei, const void *))        \
    X(void, Viewport, (GLint, GLint, GLsizei, GLsizei))

struct gl {
#define MEMBER(type, name, arguments) type(*name) arguments;
    GL_FUNCTIONS(MEMBER)
#undef MEMBER
};

struct bt_gl_curves {
    struct gl gl;
    GLuint program, table;  // table: 256 × 1, what becomes of each level
};

enum { PLACE, PART, ATTRIBUTES };  // of a corner: on the raster, in the slice
enum { SLICE_UNIT, TABLE_UNIT };   // texture units

static const char vertex_source[] = "attribute vec2 place;\n"
                                    "attribute vec2 part;\n"
                                    "varying vec2 at;\n"
                                    "void main() {\n"
                                    "  at = part;\n"
                                    "  gl_Position = vec4(place, 0.0, 1.0);\n"
                                    "}\n";

static const char fragment_source[] =
    "#ifdef GL_FRAGMENT_PRECISION_HIGH\n"
    "precision highp float;\n"
    "#else\n"
    "precision mediump float;\n"
    "#endif\n"
    "uniform sampler2D slice;\n"
    "uniform sampler2D table;\n"
    "varying vec2 at;\n"
    "float middle(float level) { return (level * 255.0 + 0.5) / 256.0; }\n"
    "void main() {\n"
    "  vec3 was = texture2D(slice, at).rgb;\n"
    "  gl_FragColor = vec4(texture2D(table, vec2(middle(was.r), 0.5)).r,\n"
    "                      texture2D(table, vec2(middle(was.g), 0.5)).g,\n"
    "                      texture2D(table, vec2(middle(was.b), 0.5)).b, 1.0);\n"
    "}\n";

static int load_functions(struct gl *gl, struct bt_error *err)
{
    static const struct {
        const char *name;
        size_t offset;
    } functions[] = {
#define ENTRY(type, name, arguments) {"gl" #name, offsetof(struct gl, name)},
        GL_FUNCTIONS(ENTRY)
#undef ENTRY
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(functions); i++) {
        void *address = SDL_GL_GetProcAddress(functions[i].name);
        if (address == NULL) {
            return bt_fail(err, -ENOTSUP, "There is no %s", functions[i].name);
        }
        memcpy((char *)gl + functions[i].offset, &address, sizeof(address));
    }
    return 0;
}

static void add_shader(const struct gl *gl, GLuint program, GLenum kind, const char *source)
{
    GLuint shader = gl->CreateShader(kind);
    gl->ShaderSource(shader, 1, &source, NULL);
    gl->CompileShader(shader);
    gl->AttachShader(program, shader);
    gl->DeleteShader(shader);  // goes with the program
}

static int make_program(struct bt_gl_curves *curves, struct bt_error *err)
{
    const struct gl *gl = &curves->gl;
    GLint linked = 0;
    curves->program = gl->CreateProgram();
    add_shader(gl, curves->program, GL_VERTEX_SHADER, vertex_source);
    add_shader(gl, curves->program, GL_FRAGMENT_SHADER, fragment_source);
    gl->BindAttribLocation(curves->program, PLACE, "place");
    gl->BindAttribLocation(curves->program, PART, "part");
    gl->LinkProgram(curves->program);
    gl->GetProgramiv(curves->program, GL_LINK_STATUS, &linked);
    return linked != 0 ? 0 : bt_fail(err, -ENOTSUP, "The GPU does not take the program for curves");
}

static void set_filter(const struct gl *gl)
{
    gl->TexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
    gl->TexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
    gl->TexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
    gl->TexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
}

static void make_table(struct bt_gl_curves *curves, const struct bt_output_plan *plan)
{
    const struct gl *gl = &curves->gl;
    uint8_t pixels[BT_CURVE_LEVELS][4];
    GLint bound = 0;
    for (size_t i = 0; i < BT_CURVE_LEVELS; i++) {
        for (size_t colour = 0; colour < BT_ARRAY_LEN(plan->curves); colour++) {
            pixels[i][colour] = plan->has_curves ? plan->curves[colour][i] : (uint8_t)i;
        }
        pixels[i][3] = UINT8_MAX;
    }
    gl->GetIntegerv(GL_TEXTURE_BINDING_2D, &bound);
    gl->GenTextures(1, &curves->table);
    gl->BindTexture(GL_TEXTURE_2D, curves->table);
    gl->TexImage2D(GL_TEXTURE_2D, 0, GL_RGBA, BT_CURVE_LEVELS, 1, 0, GL_RGBA, GL_UNSIGNED_BYTE,
                   pixels);
    set_filter(gl);
    gl->BindTexture(GL_TEXTURE_2D, (GLuint)bound);
}

void bt_gl_curves_destroy(struct bt_gl_curves *curves)
{
    if (curves == NULL) {
        return;
    }
    if (curves->program != 0) {
        curves->gl.DeleteProgram(curves->program);
    }
    if (curves->table != 0) {
        curves->gl.DeleteTextures(1, &curves->table);
    }
    free(curves);
}

int bt_gl_curves_create(const struct bt_output_plan *plan, struct bt_gl_curves **out,
                        struct bt_error *err)
{
    struct bt_gl_curves *curves = BT_NEW(struct bt_gl_curves);
    int r = load_functions(&curves->gl, err);
    r = r < 0 ? r : make_program(curves, err);
    if (r < 0) {
        bt_gl_curves_destroy(curves);
        return r;
    }
    make_table(curves, plan);
    *out = curves;
    return 0;
}

// What of GL's state SDL believes to know.
struct saved {
    GLint program, buffer, unit, viewport[4], enabled[ATTRIBUTES + 1];
    GLfloat clear[4];
    GLboolean blend, scissor;
};

static void save(const struct gl *gl, struct saved *saved)
{
    gl->GetIntegerv(GL_CURRENT_PROGRAM, &saved->program);
    gl->GetIntegerv(GL_ARRAY_BUFFER_BINDING, &saved->buffer);
    gl->GetIntegerv(GL_ACTIVE_TEXTURE, &saved->unit);
    gl->GetIntegerv(GL_VIEWPORT, saved->viewport);
    gl->GetFloatv(GL_COLOR_CLEAR_VALUE, saved->clear);
    for (GLuint i = 0; i < BT_ARRAY_LEN(saved->enabled); i++) {
        gl->GetVertexAttribiv(i, GL_VERTEX_ATTRIB_ARRAY_ENABLED, &saved->enabled[i]);
    }
    saved->blend = gl->IsEnabled(GL_BLEND);
    saved->scissor = gl->IsEnabled(GL_SCISSOR_TEST);
}

static void set_enabled(const struct gl *gl, GLenum what, GLboolean enabled)
{
    if (enabled) {
        gl->Enable(what);
    } else {
        gl->Disable(what);
    }
}

static void restore(const struct gl *gl, const struct saved *saved)
{
    for (GLuint i = 0; i < BT_ARRAY_LEN(saved->enabled); i++) {
        if (saved->enabled[i] != 0) {
            gl->EnableVertexAttribArray(i);
        } else {
            gl->DisableVertexAttribArray(i);
        }
    }
    gl->ActiveTexture((GLenum)saved->unit);
    gl->BindBuffer(GL_ARRAY_BUFFER, (GLuint)saved->buffer);
    gl->UseProgram((GLuint)saved->program);
    gl->Viewport(saved->viewport[0], saved->viewport[1], saved->viewport[2], saved->viewport[3]);
    gl->ClearColor(saved->clear[0], saved->clear[1], saved->clear[2], saved->clear[3]);
    set_enabled(gl, GL_BLEND, saved->blend);
    set_enabled(gl, GL_SCISSOR_TEST, saved->scissor);
}

static void begin(const struct bt_gl_curves *curves, int width, int height)
{
    const struct gl *gl = &curves->gl;
    gl->UseProgram(curves->program);
    gl->Uniform1i(gl->GetUniformLocation(curves->program, "slice"), SLICE_UNIT);
    gl->Uniform1i(gl->GetUniformLocation(curves->program, "table"), TABLE_UNIT);
    gl->ActiveTexture(GL_TEXTURE0 + TABLE_UNIT);
    gl->BindTexture(GL_TEXTURE_2D, curves->table);
    gl->ActiveTexture(GL_TEXTURE0 + SLICE_UNIT);
    gl->BindBuffer(GL_ARRAY_BUFFER, 0);
    gl->EnableVertexAttribArray(PLACE);
    gl->EnableVertexAttribArray(PART);
    gl->DisableVertexAttribArray(ATTRIBUTES);  // SDL's third
    gl->Disable(GL_BLEND);
    gl->Disable(GL_SCISSOR_TEST);
    gl->Viewport(0, 0, width, height);
}

// A window's first row is the top one, a texture's the bottom one.
static int draw_one(const struct bt_gl_curves *curves, SDL_Texture *texture, SDL_Vertex corners[4],
                    const float to_clip[4])
{
    const struct gl *gl = &curves->gl;
    for (int i = 0; i < 4; i++) {
        SDL_FPoint *at = &corners[i].position;
        at->x = at->x * to_clip[0] + to_clip[1];
        at->y = at->y * to_clip[2] + to_clip[3];
    }
    if (SDL_GL_BindTexture(texture, NULL, NULL) < 0) {
        return -EIO;
    }
    gl->VertexAttribPointer(PLACE, 2, GL_FLOAT, GL_FALSE, sizeof(corners[0]), &corners[0].position);
    gl->VertexAttribPointer(PART, 2, GL_FLOAT, GL_FALSE, sizeof(corners[0]), &corners[0].tex_coord);
    gl->DrawArrays(GL_TRIANGLE_FAN, 0, 4);
    SDL_GL_UnbindTexture(texture);  // SDL binds what it needs next
    return 0;
}

static int draw_all(struct bt_gl_curves *curves, SDL_Texture *const *textures,
                    const struct bt_mapping *mapping, int width, int height, bool window)
{
    float flip = window ? -1.0F : 1.0F;
    const float to_clip[4] = {2 / (float)width, -1, flip * 2 / (float)height, -flip};
    int r = 0;
    for (size_t i = 0; r == 0 && i < mapping->plan.slice_count; i++) {
        SDL_Vertex corners[4];
        bt_gl_quad(bt_mapping_place(mapping, i), mapping->plan.slices[i].rotation, corners);
        r = draw_one(curves, textures[i], corners, to_clip);
    }
    return r;
}

int bt_gl_curves_draw(struct bt_gl_curves *curves, SDL_Renderer *renderer,
                      SDL_Texture *const *textures, const struct bt_mapping *mapping, bool window,
                      struct bt_error *err)
{
    int width, height;
    SDL_Texture *target = SDL_GetRenderTarget(renderer);
    if (SDL_RenderFlush(renderer) < 0 ||
        (window ? SDL_GetRendererOutputSize(renderer, &width, &height)
                : SDL_QueryTexture(target, NULL, NULL, &width, &height)) < 0) {
        return bt_fail_sdl(err, -EIO, "Cannot draw the slices");
    }
    struct saved saved;
    save(&curves->gl, &saved);
    begin(curves, width, height);
    int r = draw_all(curves, textures, mapping, width, height, window);
    restore(&curves->gl, &saved);
    return r < 0 ? bt_fail_sdl(err, r, "Cannot draw the slices") : 0;
}

int bt_gl_curves_show(struct bt_gl_curves *curves, SDL_Window *own, SDL_Window *beside, bool waits,
                      SDL_Texture *const *textures, const struct bt_mapping *mapping,
                      struct bt_error *err)
{
    const struct gl *gl = &curves->gl;
    SDL_GLContext context = SDL_GL_GetCurrentContext();
    int interval = SDL_GL_GetSwapInterval(), width, height, r;
    if (SDL_GL_MakeCurrent(beside, context) < 0) {
        return bt_fail_sdl(err, -EIO, "Cannot draw to another window");
    }
    struct saved saved;
    SDL_GL_GetDrawableSize(beside, &width, &height);
    save(gl, &saved);
    begin(curves, width, height);
    gl->ClearColor(0, 0, 0, 1);
    gl->Clear(GL_COLOR_BUFFER_BIT);
    r = draw_all(curves, textures, mapping, width, height, true);
    restore(gl, &saved);
    (void)SDL_GL_SetSwapInterval(waits ? interval : 0);
    SDL_GL_SwapWindow(beside);
    if (SDL_GL_MakeCurrent(own, context) < 0) {
        r = -EIO;
    }
    (void)SDL_GL_SetSwapInterval(interval);
    return r < 0 ? bt_fail_sdl(err, r, "Cannot draw to another window") : 0;
}
