"""The thin path through all rooms: one upload, one download, one listing."""

import os

import harness


def test_upload_download_list(ftp, fake):
    data = os.urandom(3 * 1024 * 1024 + 17)
    assert harness.store(ftp, 'a b.bin', data).startswith('226 ')
    assert fake.get('a b.bin') == data
    assert harness.fetch(ftp, 'a b.bin') == data
    assert harness.lines(ftp, 'LIST')[0].endswith(' a b.bin')
    assert fake.uploads() == []
