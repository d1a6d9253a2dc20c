#include "plays/faulty_vfs.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "base/str.h"

#define MAX_NAMES 16
#define MAX_INODES 256
#define MAX_SHM 16
#define NAME_BYTES 256
#define SECTOR_BYTES 4096
#define PIECE_BYTES 512

// A growing array of bytes.
struct image {
    uint8_t *bytes;
    size_t len, capacity;
};

// A write since the last sync; without bytes a truncation to `offset`.
struct change {
    size_t offset, len;
    uint8_t *bytes;
};

struct inode {
    struct image now, durable;
    struct change *changes;
    size_t change_count, change_capacity;
};

struct name {
    char name[NAME_BYTES];
    struct inode *now, *durable;  // NULL: not there
    void *shm[MAX_SHM];
    size_t shm_bytes;
};

// The disk. SQLite's list of file systems belongs to the whole process, and so does this.
static struct {
    sqlite3_vfs vfs;
    struct name names[MAX_NAMES];
    struct inode *inodes[MAX_INODES];
    size_t inode_count;
    uint64_t random;
    int64_t cut_after;  // operations left, or negative: never
    bool off;
    _Atomic bool full;
    int64_t written_bytes, operations;
} disk;  // allow: one test disk for the process, as the header says

struct file {
    sqlite3_file base;
    struct name *name;  // NULL: a temporary file
    struct inode *inode;
};

uint64_t bt_faulty_random(uint64_t below)
{
    assert(below > 0);
    disk.random ^= disk.random << 13;
    disk.random ^= disk.random >> 7;
    disk.random ^= disk.random << 17;
    return disk.random % below;
}

// Images.

static void resize(struct image *image, size_t len)
{
    BT_GROW(image->bytes, image->capacity, len);
    if (len > image->len) {
        memset(image->bytes + image->len, 0, len - image->len);
    }
    image->len = len;
}

static void put(struct image *image, size_t offset, const uint8_t *bytes, size_t len)
{
    if (offset + len > image->len) {
        resize(image, offset + len);
    }
    memcpy(image->bytes + offset, bytes, len);
}

static void copy_image(struct image *to, const struct image *from)
{
    resize(to, from->len);
    if (from->len > 0) {
        memcpy(to->bytes, from->bytes, from->len);
    }
}

// Inodes.

static struct inode *new_inode(void)
{
    assert(disk.inode_count < MAX_INODES);
    struct inode *inode = BT_NEW(struct inode);
    disk.inodes[disk.inode_count++] = inode;
    return inode;
}

static void forget_changes(struct inode *inode)
{
    for (size_t i = 0; i < inode->change_count; i++) {
        free(inode->changes[i].bytes);
    }
    inode->change_count = 0;
}

static void free_inode(struct inode *inode)
{
    forget_changes(inode);
    free(inode->changes);
    free(inode->now.bytes);
    free(inode->durable.bytes);
    free(inode);
}

static void note_change(struct inode *inode, size_t offset, const void *bytes, size_t len)
{
    BT_GROW(inode->changes, inode->change_capacity, inode->change_count + 1);
    struct change *change = &inode->changes[inode->change_count++];
    *change = (struct change){.offset = offset, .len = len};
    if (bytes != NULL) {
        change->bytes = bt_alloc(len);
        memcpy(change->bytes, bytes, len);
    }
}

static void spoil(struct image *image, size_t offset, size_t len)
{
    for (size_t i = 0; i < len && offset + i < image->len; i++) {
        image->bytes[offset + i] = (uint8_t)bt_faulty_random(256);
    }
}

static void tear(struct image *image, const struct change *change)
{
    for (size_t at = 0; at < change->len;) {
        size_t piece = PIECE_BYTES - (change->offset + at) % PIECE_BYTES;
        piece = BT_MIN(piece, change->len - at);
        uint64_t fate = bt_faulty_random(5);
        if (fate < 3) {
            put(image, change->offset + at, change->bytes + at, piece);
        }
        if (fate == 0) {
            spoil(image, change->offset + at, piece);
        }
        at += piece;
    }
}

static void meet_fate(struct inode *inode, const struct change *change)
{
    uint64_t fate = bt_faulty_random(3);
    if (fate == 0) {
        return;
    }
    if (change->bytes == NULL) {
        resize(&inode->durable, change->offset);
    } else if (fate == 1) {
        put(&inode->durable, change->offset, change->bytes, change->len);
    } else {
        tear(&inode->durable, change);
    }
}

static void lose_power(struct inode *inode)
{
    for (size_t i = 0; i < inode->change_count; i++) {
        meet_fate(inode, &inode->changes[i]);
    }
    forget_changes(inode);
    copy_image(&inode->now, &inode->durable);
}

// Names.

static struct name *find_name(const char *wanted)
{
    for (size_t i = 0; i < MAX_NAMES; i++) {
        if (bt_str_equal(disk.names[i].name, wanted)) {
            return &disk.names[i];
        }
    }
    return NULL;
}

static struct name *find_or_make_name(const char *wanted)
{
    struct name *name = find_name(wanted);
    if (name == NULL) {
        name = find_name("");
        assert(name != NULL);
        bt_copy_cut(name->name, sizeof(name->name), wanted);
    }
    return name;
}

static void free_shm(struct name *name)
{
    for (size_t i = 0; i < MAX_SHM; i++) {
        free(name->shm[i]);
        name->shm[i] = NULL;
    }
}

// Counts an operation that changes something; false when there is no power for it.
static bool has_power(void)
{
    disk.operations++;
    if (disk.cut_after > 0 && --disk.cut_after == 0) {
        disk.off = true;
    }
    return !disk.off;
}

// The file methods.

static struct file *file_of(sqlite3_file *file)
{
    return (struct file *)file;
}

static int file_close(sqlite3_file *file)
{
    (void)file;
    return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *out, int len, sqlite3_int64 offset)
{
    const struct image *image = &file_of(base)->inode->now;
    if (disk.off) {
        return SQLITE_IOERR_READ;
    }
    size_t at = (size_t)offset, wanted = (size_t)len;
    size_t there = at < image->len ? BT_MIN(wanted, image->len - at) : 0;
    if (there > 0) {
        memcpy(out, image->bytes + at, there);
    }
    memset((char *)out + there, 0, wanted - there);
    return there < wanted ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

static int file_write(sqlite3_file *base, const void *bytes, int len, sqlite3_int64 offset)
{
    struct inode *inode = file_of(base)->inode;
    if (disk.off) {
        return SQLITE_IOERR_WRITE;
    }
    if (atomic_load(&disk.full)) {
        return SQLITE_FULL;
    }
    // The write during which power fails may be torn like those before it.
    note_change(inode, (size_t)offset, bytes, (size_t)len);
    put(&inode->now, (size_t)offset, bytes, (size_t)len);
    disk.written_bytes += len;
    return has_power() ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 len)
{
    struct inode *inode = file_of(base)->inode;
    if (!has_power()) {
        return SQLITE_IOERR_TRUNCATE;
    }
    note_change(inode, (size_t)len, NULL, 0);
    resize(&inode->now, (size_t)len);
    return SQLITE_OK;
}

static int file_sync(sqlite3_file *base, int flags)
{
    struct file *file = file_of(base);
    (void)flags;
    if (!has_power()) {
        return SQLITE_IOERR_FSYNC;
    }
    forget_changes(file->inode);
    copy_image(&file->inode->durable, &file->inode->now);
    if (file->name != NULL && file->name->now == file->inode) {
        file->name->durable = file->inode;
    }
    return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *out)
{
    *out = (sqlite3_int64)file_of(base)->inode->now.len;
    return disk.off ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

static int file_lock(sqlite3_file *file, int kind)
{
    (void)file, (void)kind;
    return SQLITE_OK;
}

static int file_check_lock(sqlite3_file *file, int *out)
{
    (void)file;
    *out = 0;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int operation, void *argument)
{
    (void)base;
    if (operation == SQLITE_FCNTL_HAS_MOVED) {
        *(int *)argument = 0;
        return SQLITE_OK;
    }
    return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *file)
{
    (void)file;
    return SECTOR_BYTES;
}

static int file_characteristics(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;  // as on Linux
}

static int shm_map(sqlite3_file *base, int region, int len, int extend, void volatile **out)
{
    struct name *name = file_of(base)->name;
    assert(region >= 0 && region < MAX_SHM);
    if (name->shm[region] == NULL && extend != 0) {
        name->shm[region] = bt_alloc((size_t)len);
    }
    *out = name->shm[region];
    return SQLITE_OK;
}

static int shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    (void)file, (void)offset, (void)count, (void)flags;
    return SQLITE_OK;
}

static void shm_barrier(sqlite3_file *file)
{
    (void)file;
}

static int shm_unmap(sqlite3_file *base, int remove)
{
    if (remove != 0) {
        free_shm(file_of(base)->name);
    }
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

// The VFS.

static int vfs_open(sqlite3_vfs *vfs, const char *wanted, sqlite3_file *base, int flags,
                    int *out_flags)
{
    struct file *file = file_of(base);
    (void)vfs;
    *file = (struct file){0};
    if (disk.off) {
        return SQLITE_CANTOPEN;
    }
    if (wanted == NULL) {
        file->inode = new_inode();
    } else {
        file->name = find_or_make_name(wanted);
        if (file->name->now == NULL && (flags & SQLITE_OPEN_CREATE) == 0) {
            return SQLITE_CANTOPEN;
        }
        if (file->name->now == NULL) {
            file->name->now = new_inode();
        }
        file->inode = file->name->now;
    }
    base->pMethods = &methods;
    if (out_flags != NULL) {
        *out_flags = flags;
    }
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *wanted, int sync)
{
    struct name *name = find_name(wanted);
    (void)vfs;
    if (!has_power()) {
        return SQLITE_IOERR_DELETE;
    }
    if (name == NULL || name->now == NULL) {
        return SQLITE_IOERR_DELETE_NOENT;
    }
    name->now = NULL;
    if (sync != 0) {
        name->durable = NULL;
    }
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *wanted, int flags, int *out)
{
    const struct name *name = find_name(wanted);
    (void)vfs, (void)flags;
    *out = name != NULL && name->now != NULL &&
           (flags != SQLITE_ACCESS_EXISTS || name->now->now.len > 0);
    return disk.off ? SQLITE_IOERR_ACCESS : SQLITE_OK;
}

static int vfs_full_name(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    (void)vfs;
    return bt_format(out, (size_t)size, "%s", name) < 0 ? SQLITE_CANTOPEN : SQLITE_OK;
}

void bt_faulty_install(uint64_t seed)
{
    memset(&disk, 0, sizeof(disk));
    disk.random = seed * 2654435761U + 88172645463325252U;
    disk.cut_after = -1;
    disk.vfs = *sqlite3_vfs_find("unix");
    disk.vfs.pNext = NULL;
    disk.vfs.zName = "faulty";
    disk.vfs.szOsFile = sizeof(struct file);
    disk.vfs.mxPathname = NAME_BYTES - 1;
    disk.vfs.xOpen = vfs_open;
    disk.vfs.xDelete = vfs_delete;
    disk.vfs.xAccess = vfs_access;
    disk.vfs.xFullPathname = vfs_full_name;
    sqlite3_vfs_register(&disk.vfs, 1);
}

void bt_faulty_remove(void)
{
    sqlite3_vfs_unregister(&disk.vfs);
    for (size_t i = 0; i < disk.inode_count; i++) {
        free_inode(disk.inodes[i]);
    }
    for (size_t i = 0; i < MAX_NAMES; i++) {
        free_shm(&disk.names[i]);
    }
    disk.inode_count = 0;
}

void bt_faulty_cut_after(int64_t operations)
{
    disk.cut_after = operations;
}

bool bt_faulty_is_off(void)
{
    return disk.off;
}

static bool is_named(const struct inode *inode)
{
    for (size_t i = 0; i < MAX_NAMES; i++) {
        if (disk.names[i].now == inode) {
            return true;
        }
    }
    return false;
}

static void drop_nameless(void)
{
    size_t kept = 0;
    for (size_t i = 0; i < disk.inode_count; i++) {
        if (is_named(disk.inodes[i])) {
            disk.inodes[kept++] = disk.inodes[i];
        } else {
            free_inode(disk.inodes[i]);
        }
    }
    disk.inode_count = kept;
}

void bt_faulty_power_on(void)
{
    for (size_t i = 0; i < MAX_NAMES; i++) {
        struct name *name = &disk.names[i];
        name->now = bt_faulty_random(2) == 0 ? name->durable : name->now;
        name->durable = name->now;
        free_shm(name);
    }
    drop_nameless();
    for (size_t i = 0; i < disk.inode_count; i++) {
        lose_power(disk.inodes[i]);
    }
    disk.off = false;
    disk.cut_after = -1;
}

void bt_faulty_set_full(bool full)
{
    atomic_store(&disk.full, full);
}

int64_t bt_faulty_written_bytes(void)
{
    return disk.written_bytes;
}

int64_t bt_faulty_operations(void)
{
    return disk.operations;
}
