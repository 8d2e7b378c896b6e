"""How many requests each command costs, counted at the stand-in."""

import pytest

import harness


def count(fake, ops):
    got = fake.ops()
    assert got == ops
    fake.reset()


def test_a_login_and_what_needs_no_store_cost_nothing(server, fake):
    r = server.raw()
    r.login()
    for command in ('PWD', 'TYPE I', 'NOOP', 'FEAT', 'SYST', 'STAT', 'CWD /',
                    'CDUP', 'EPSV', 'PASV', 'REST 0', 'OPTS UTF8 ON',
                    'MLST', 'MLST /', 'QUIT'):
        r.cmd(command)
    count(fake, {})
    r.close()


def test_cwd_is_one(raw, fake):
    fake.put('d/', b'')
    fake.put('i/x', b'')
    fake.reset()
    for name in ('d', '/i'):
        assert raw.cmd('CWD ' + name).startswith('250 ')
        count(fake, {'ListObjects': 1})
    assert raw.cmd('CDUP').startswith('250 ')
    count(fake, {})


@pytest.mark.parametrize('keys, requests', [
    (0, 1), (1, 1), (999, 1), (1000, 1), (1001, 2), (5000, 5)])
def test_a_listing_is_one_per_1000_entries(ftp, fake, keys, requests):
    fake.fill('f', keys)
    fake.reset()
    for command in ('LIST', 'NLST', 'MLSD'):
        assert len(harness.lines(ftp, command)) == keys
        count(fake, {'ListObjects': requests})


def test_a_listing_of_a_pattern_is_one(ftp, fake):
    fake.fill('f', 2000)
    fake.put('x1', b'')
    fake.reset()
    assert harness.lines(ftp, 'NLST x*') == ['x1']
    count(fake, {'ListObjects': 1})
    assert harness.lines(ftp, 'NLST y*') == []
    count(fake, {'ListObjects': 1})


def test_a_listing_of_a_file_is_two(ftp, fake):
    fake.put('f', b'')
    fake.reset()
    harness.lines(ftp, 'LIST f')
    count(fake, {'ListObjects': 1, 'HeadObject': 1})


def test_size_mdtm_and_mlst_are_one(raw, fake):
    fake.put('f', b'1')
    fake.reset()
    for command in ('SIZE f', 'MDTM f', 'MLST f', 'SIZE none', 'MDTM none'):
        raw.cmd(command)
        count(fake, {'HeadObject': 1})


def test_retr_of_a_small_file_is_one(ftp, fake):
    fake.put('f', b'12345')
    fake.put('empty', b'')
    fake.reset()
    assert harness.fetch(ftp, 'f') == b'12345'
    count(fake, {'GetObject': 1})
    assert harness.fetch(ftp, 'f', 2) == b'345'
    count(fake, {'GetObject': 1})
    assert harness.fetch(ftp, 'empty') == b''
    assert fake.ops()['GetObject'] <= 2     # a range of nothing is a 416


def test_stor_of_a_small_file_is_one(ftp, fake):
    for data in (b'', b'1', b'x' * 1000000):
        harness.store(ftp, 'f', data)
        count(fake, {'PutObject': 1})


def test_stor_by_parts_is_initiate_parts_complete(ftp, fake):
    harness.store(ftp, 'f', b'x' * (5 * 1024 * 1024))
    ops = fake.ops()
    assert ops.pop('InitiateMultipartUpload', 0) == 1
    assert ops.pop('CompleteMultipartUpload', 0) == 1
    assert 2 <= ops.pop('UploadPart') <= 5
    assert ops.pop('HeadObject', 0) <= 1
    assert ops == {}


def test_dele_is_at_most_two(raw, fake):
    fake.put('f', b'1')
    fake.reset()
    assert raw.cmd('DELE f').startswith('250 ')
    count(fake, {'HeadObject': 1, 'DeleteObject': 1})
    assert raw.cmd('DELE f').startswith('550 ')
    count(fake, {'HeadObject': 1})


def test_mkd_and_rmd_are_two(raw, fake):
    assert raw.cmd('MKD d').startswith('257 ')
    count(fake, {'ListObjects': 1, 'PutObject': 1})
    assert raw.cmd('RMD d').startswith('250 ')
    count(fake, {'ListObjects': 1, 'DeleteObject': 1})


def test_rename_of_a_file_is_four_and_three_when_just_stored(ftp, fake):
    fake.put('a', b'1')
    fake.reset()
    ftp.rename('a', 'b')
    count(fake, {'HeadObject': 1, 'ListObjects': 1, 'CopyObject': 1,
                 'DeleteObject': 1})
    harness.store(ftp, 'x.part', b'1')
    fake.reset()
    ftp.rename('x.part', 'x')
    count(fake, {'ListObjects': 1, 'CopyObject': 1, 'DeleteObject': 1})


def test_rename_of_a_file_replaced_since_by_another_is_no_guess(ftp, server,
                                                                fake):
    harness.store(ftp, 'x.part', b'mine')
    other = server.login()
    harness.store(other, 'x.part', b'theirs, and longer')
    other.close()
    with pytest.raises(harness.ftplib.Error):
        ftp.rename('x.part', 'x')
    assert fake.keys() == ['x.part']
    assert fake.get('x.part') == b'theirs, and longer'


def test_connections_are_kept(ftp, fake):
    fake.put('f', b'1')
    ftp.size('f')
    before = fake.stats()['connections_total']
    for _ in range(20):
        ftp.size('f')
    # the asking connections of this test are counted as well
    assert fake.stats()['connections_total'] - before <= 2
