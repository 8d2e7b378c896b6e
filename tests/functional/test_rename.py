"""RNFR and RNTO: files and whole directories."""

import ftplib
import time

import pytest

import harness
from harness import wait_for


def refused(code, call, *args):
    with pytest.raises(ftplib.Error, match='^%d ' % code):
        call(*args)


def objects(fake):
    return {o['key']: o for o in fake.objects()}


def same_object(a, b):
    return all(a[k] == b[k] for k in ('size', 'crc', 'class', 'headers'))


# ---- files ----

def test_metadata_class_and_type_are_kept(ftp, fake):
    fake.put('f', b'12345', {
        'Content-Type': 'text/x-odd', 'Cache-Control': 'max-age=9',
        'Content-Disposition': 'attachment', 'x-cos-meta-owner': 'somebody'},
        **{'class': 'STANDARD_IA'})
    before = objects(fake)['f']
    assert before['class'] == 'STANDARD_IA'
    assert 'somebody' in before['headers']
    ftp.rename('f', 'g')
    assert fake.keys() == ['g']
    assert same_object(objects(fake)['g'], before)
    assert fake.get('g') == b'12345'


def test_a_fresh_upload_keeps_its_type(ftp, fake):
    harness.store(ftp, 'page.html.part', b'<html>')
    harness.store(ftp, 'page.html', b'old')
    ftp.rename('page.html.part', 'page.html')
    assert fake.keys() == ['page.html']
    assert fake.get('page.html') == b'<html>'


def test_onto_itself_is_250_and_does_nothing(ftp, fake):
    fake.put('f', b'1')
    fake.put('d/x', b'1')
    before = objects(fake)
    for a, b in (('f', 'f'), ('f', './f'), ('d', 'd'), ('d', 'd/'),
                 ('d/x', '/d/../d/x')):
        assert ftp.rename(a, b).startswith('250 ')
    assert objects(fake) == before
    assert 'CopyObject' not in fake.ops()
    assert 'DeleteObject' not in fake.ops()


def test_onto_a_file_overwrites_it(ftp, fake):
    fake.put('a', b'new')
    fake.put('b', b'old')
    ftp.rename('a', 'b')
    assert fake.keys() == ['b'] and fake.get('b') == b'new'


def test_onto_an_existing_directory_is_550(ftp, fake):
    fake.put('a', b'1')
    fake.put('d/', b'')
    fake.put('e/f', b'1')
    refused(550, ftp.rename, 'a', 'd')
    refused(550, ftp.rename, 'a', 'e')
    refused(550, ftp.rename, 'a', 'e/')
    assert fake.keys() == ['a', 'd/', 'e/f']


def test_what_is_missing_is_550_at_rnfr(raw, fake):
    assert raw.cmd('RNFR x').startswith('550 ')
    assert raw.cmd('RNTO y').startswith('503 ')
    assert raw.cmd('RNFR x/').startswith('550 ')
    assert raw.cmd('RNFR /').startswith('550 ')


def test_missing_by_the_time_of_rnto_is_an_error(raw, fake):
    fake.put('a', b'1')
    fake.put('b', b'2')
    assert raw.cmd('RNFR a').startswith('350 ')
    fake.wipe()
    fake.put('b', b'2')
    assert raw.cmd('RNTO b').startswith('550 ')
    assert fake.get('b') == b'2'


def test_changed_by_the_time_of_rnto_is_an_error(raw, fake):
    fake.put('a', b'1')
    assert raw.cmd('RNFR a').startswith('350 ')
    fake.put('a', b'something else')
    assert raw.cmd('RNTO b').startswith('451 ')
    assert fake.keys() == ['a'] and fake.get('a') == b'something else'
    assert raw.cmd('RNFR a').startswith('350 ')
    assert raw.cmd('RNTO b').startswith('250 ')


def test_rnto_needs_a_rnfr_right_before(raw, fake):
    fake.put('a', b'1')
    assert raw.cmd('RNTO b').startswith('503 ')
    assert raw.cmd('RNFR a').startswith('350 ')
    assert raw.cmd('RNTO b').startswith('250 ')
    assert raw.cmd('RNTO c').startswith('503 ')
    assert raw.cmd('RNFR b').startswith('350 ')
    assert raw.cmd('RNFR x').startswith('550 ')
    assert raw.cmd('RNTO c').startswith('503 ')
    assert fake.keys() == ['b']


def test_rnto_onto_the_root_or_above_is_refused(raw, fake):
    fake.put('a', b'1')
    for target, code in (('/', '553 '), ('/..', '550 '), ('x' * 851, '553 '),
                         ('\x01', '553 ')):
        assert raw.cmd('RNFR a').startswith('350 ')
        assert raw.cmd('RNTO ' + target).startswith(code)
    assert fake.keys() == ['a']


@pytest.mark.parametrize('fault', [
    {'status': 403, 'code': 'AccessDenied'}, {'error200': 'AccessDenied'},
    {'empty200': 1, 'times': -1}, {'redirect': 'http://127.0.0.1:1/'}])
def test_a_copy_that_fails_leaves_the_source(ftp, fake, fault):
    fake.put('a', b'1')
    fake.put('b', b'2')
    fake.fault(op='CopyObject', **fault)
    with pytest.raises(ftplib.Error, match='^(451|550) '):
        ftp.rename('a', 'b')
    assert fake.keys() == ['a', 'b'] and fake.get('a') == b'1'
    assert fake.get('b') == b'2'
    assert 'DeleteObject' not in fake.ops()


def test_a_copy_with_a_wrong_checksum_keeps_the_source(ftp, fake):
    fake.put('a', b'12345')
    fake.fault(op='CopyObject', wrong_crc=1, times=-1)
    refused(451, ftp.rename, 'a', 'b')
    assert fake.get('a') == b'12345'
    assert 'DeleteObject' not in fake.ops()


def test_a_delete_that_fails_is_said(ftp, fake):
    fake.put('a', b'1')
    fake.fault(op='DeleteObject', status=403, code='AccessDenied')
    with pytest.raises(ftplib.error_temp, match='^451 .*opied.*AccessDenied'):
        ftp.rename('a', 'b')
    assert fake.keys() == ['a', 'b']


def test_a_file_above_the_copy_limit_goes_by_parts(ftp, fake):
    fake.put('a', size=6 * 1024 ** 3)
    before = objects(fake)['a']
    ftp.rename('a', 'b')
    assert fake.keys() == ['b']
    assert objects(fake)['b']['size'] == before['size']
    assert fake.uploads() == []
    assert fake.ops()['UploadPartCopy'] >= 2


@pytest.mark.parametrize('said', (True, False))
def test_a_copy_by_parts_that_is_not_its_source_is_no_copy(ftp, fake, said):
    """Whatever the store says of each part: all of them are the source."""
    fake.put('a', size=6 * 1024 ** 3)
    fake.fault(op='UploadPartCopy', beside=1, times=-1)
    if not said:
        fake.fault(op='CompleteMultipartUpload', no_crc=1)
    with pytest.raises(ftplib.error_temp, match='^451 .*checksum'):
        ftp.rename('a', 'b')
    assert 'a' in fake.keys()
    assert fake.uploads() == []


def test_what_comes_while_a_copy_takes_long_is_not_deleted(server, ftp, fake):
    """Under the old name, from somebody else."""
    fake.put('a', b'old')
    fake.fault(op='CopyObject', delay=2500)
    ftp.sendcmd('RNFR a')
    ftp.putcmd('RNTO b')
    wait_for('the copy', lambda: 'b' in fake.keys())
    other = server.login()
    assert harness.store(other, 'a', b'new').startswith('226 ')
    other.close()
    assert ftp.getmultiline().startswith('451 Copied to the new name')
    assert fake.get('a') == b'new' and fake.get('b') == b'old'
    assert 'was changed' in server.log_text()
    # once more, and gone meanwhile: nothing is left to be done
    fake.fault(op='CopyObject', delay=2500)
    ftp.sendcmd('RNFR a')
    ftp.putcmd('RNTO c')
    wait_for('the copy', lambda: 'c' in fake.keys())
    other = server.login()
    other.delete('a')
    other.close()
    assert ftp.getmultiline().startswith('250 ')
    assert fake.keys() == ['b', 'c']


def test_a_store_that_hesitates_is_asked_again(ftp, fake):
    fake.put('a', b'1')
    fake.fault(op='CopyObject', status=503, code='SlowDown')
    ftp.rename('a', 'b')
    assert fake.keys() == ['b']


def test_the_client_leaves_during_a_rename_and_it_is_finished(server, fake):
    fake.put('a', b'12345')
    fake.fault(op='CopyObject', delay=400)
    r = server.raw()
    r.login()
    r.cmd('RNFR a')
    r.send(b'RNTO b\r\n')
    wait_for('the copy', lambda: fake.control('GET', '/faults') == b'[]\n')
    assert 'a' in fake.keys()
    r.close()
    wait_for('the rename', lambda: fake.keys() == ['b'])
    assert fake.get('b') == b'12345'


# ---- directories ----

def test_a_directory_of_1500_keys(ftp, fake):
    fake.put('d/', b'')
    fake.fill('d/f', 1490, 7)
    for i in range(5):
        fake.put('d/sub%d/x' % i, b'deep %d' % i)
    fake.put('d/typed', b'1', {'Content-Type': 'text/x-odd',
                               'x-cos-meta-a': 'b'},
             **{'class': 'STANDARD_IA'})
    fake.put('d2/x', b'neighbour')
    fake.put('d', b'file of that name')
    before = objects(fake)
    assert len(before) == 1499
    fake.reset()
    assert ftp.rename('d/', 'new/place').startswith('250 ')
    after = objects(fake)
    assert set(after) == {'d', 'd2/x'} | {
        'new/place/' + k[2:] for k in before if k.startswith('d/')}
    for k in before:
        if k.startswith('d/'):
            assert same_object(before[k], after['new/place/' + k[2:]])
    ops = fake.ops()
    assert ops['CopyObject'] == 1497
    assert ops['DeleteMultipleObjects'] == 2
    assert 'DeleteObject' not in ops
    assert ops.get('HeadObject', 0) <= 1497      # one, to verify a copy


def test_a_directory_without_a_marker(ftp, fake):
    fake.put('d/a/x', b'1')
    ftp.rename('d/a', 'e')
    assert fake.keys() == ['e/x']
    ftp.rename('e', 'd')
    assert fake.keys() == ['d/x']


def test_an_empty_directory(ftp, fake):
    ftp.mkd('d')
    ftp.rename('d', 'e')
    assert fake.keys() == ['e/']


def test_the_file_is_meant_where_both_exist(ftp, fake):
    fake.put('a', b'file')
    fake.put('a/', b'')
    fake.put('a/x', b'1')
    ftp.rename('a', 'b')
    assert fake.keys() == ['a/', 'a/x', 'b']


def test_into_itself_is_553(ftp, fake):
    fake.put('d/x', b'1')
    refused(553, ftp.rename, 'd', 'd/e')
    refused(553, ftp.rename, 'd', 'd/x/y')
    assert fake.keys() == ['d/x']
    ftp.rename('d', 'dd')                 # only its beginning is the same
    assert fake.keys() == ['dd/x']


def test_directory_onto_an_existing_one_is_550(ftp, fake):
    fake.put('d/x', b'1')
    fake.put('e/', b'')
    fake.put('g/y', b'1')
    fake.put('h/x', b'other')
    for target in ('e', 'g', 'h', 'e/'):
        refused(550, ftp.rename, 'd', target)
    assert fake.keys() == ['d/x', 'e/', 'g/y', 'h/x']
    assert fake.get('d/x') == b'1' and fake.get('h/x') == b'other'


@pytest.mark.parametrize('to', ['/a', '/'])
def test_a_directory_onto_one_above_it_is_refused(ftp, fake, to):
    """Equal files are no sign of a rename that broke off."""
    keys = ['a/b/b/k', 'a/b/k', 'a/k']
    for k in keys:
        fake.put(k, b'same')
    refused(553 if to == '/' else 550, ftp.rename, '/a/b', to)
    assert fake.keys() == keys


def test_a_key_too_long_for_the_new_name_changes_nothing(ftp, fake):
    fake.put('d/' + 'x' * 840, b'1')
    fake.put('d/a', b'1')
    before = fake.keys()
    refused(553, ftp.rename, 'd', 'e' * 100)
    assert [k for k in fake.keys() if k.startswith('d/')] == before


def test_failure_in_the_middle_leaves_the_source_and_a_rerun_ends_it(ftp,
                                                                     fake):
    fake.fill('d/f', 1500, 3)
    before = objects(fake)
    fake.fault(op='CopyObject', status=403, code='AccessDenied', skip=700,
               times=-1)
    refused(550, ftp.rename, 'd', 'e')
    keys = fake.keys()
    assert [k for k in keys if k.startswith('d/')] == sorted(before)
    done = len(keys) - 1500
    assert 0 < done < 1500
    fake.reset()
    assert ftp.rename('d', 'e').startswith('250 ')
    after = objects(fake)
    assert sorted(after) == ['e/' + k[2:] for k in sorted(before)]
    assert all(same_object(before['d/' + k[2:]], after[k]) for k in after)
    assert fake.ops()['CopyObject'] == 1500 - done


def test_a_delete_that_fails_in_a_tree_is_said_and_a_rerun_ends_it(ftp,
                                                                   fake):
    fake.fill('d/f', 20, 3)
    fake.fault(op='DeleteMultipleObjects', status=403, code='AccessDenied')
    with pytest.raises(ftplib.error_temp, match='^451 .*opied.*AccessDenied'):
        ftp.rename('d', 'e')
    assert len(fake.keys()) == 40
    ftp.rename('d', 'e')
    assert fake.keys() == ['e/f%06d' % i for i in range(20)]


def test_a_batch_deletion_without_a_result_is_none(ftp, fake):
    fake.fill('a/', 5)
    fake.fault(op='DeleteMultipleObjects', empty200=1)
    ftp.rename('a', 'b')
    assert [k[:2] for k in fake.keys()] == ['b/'] * 5
    fake.fault(op='DeleteMultipleObjects', empty200=1, times=-1)
    with pytest.raises(ftplib.error_temp, match='^451 '):
        ftp.rename('b', 'c')
    assert len(fake.keys()) == 10


def test_a_tree_half_deleted_is_ended_by_a_rerun(ftp, fake):
    fake.put('d/', b'')
    fake.fill('d/f', 1500, 3)
    fake.fault(op='DeleteMultipleObjects', status=403, code='AccessDenied',
               skip=1)
    refused(451, ftp.rename, 'd', 'e')
    left = [k for k in fake.keys() if k.startswith('d/')]
    assert 0 < len(left) < 1500
    fake.put('d/late', b'1')            # nobody has copied it
    refused(550, ftp.rename, 'd', 'e')
    ftp.delete('d/late')
    fake.reset()
    assert ftp.rename('d', 'e').startswith('250 ')
    assert fake.keys() == ['e/'] + ['e/f%06d' % i for i in range(1500)]
    assert 'CopyObject' not in fake.ops()


def test_an_empty_directory_onto_a_full_one_is_550(ftp, fake):
    fake.put('d/', b'')
    fake.put('d/s/', b'')
    fake.put('e/', b'')
    fake.put('e/s/', b'')
    fake.put('e/x', b'1')
    refused(550, ftp.rename, 'd', 'e')
    assert fake.keys() == ['d/', 'd/s/', 'e/', 'e/s/', 'e/x']


def test_a_tree_whose_second_page_fails_keeps_its_source(ftp, fake):
    fake.fill('d/f', 1500)
    fake.fault(op='ListObjects', status=403, code='AccessDenied', skip=3,
               times=-1)
    refused(550, ftp.rename, 'd', 'e')
    keys = fake.keys()
    assert len([k for k in keys if k.startswith('d/')]) == 1500
    assert 'DeleteMultipleObjects' not in fake.ops()


def test_keys_that_xml_cannot_hold_are_renamed_too(ftp, fake):
    fake.put('d/ctl\x01x', b'1')
    fake.put('d/cr\rx', b'2')
    fake.put('d/a', b'3')
    ftp.rename('d', 'e')
    assert sorted(fake.keys()) == sorted(['e/a', 'e/cr\rx', 'e/ctl\x01x'])


def test_a_tree_is_finished_when_the_client_is_gone(server, fake):
    fake.fill('d/f', 300)
    fake.fault(op='CopyObject', delay=300, skip=20)
    r = server.raw()
    r.login()
    r.cmd('RNFR d')
    r.send(b'RNTO e\r\n')
    wait_for('the copies', lambda: fake.ops().get('CopyObject', 0) > 10)
    r.close()
    wait_for('the rename', lambda: fake.keys() ==
             ['e/f%06d' % i for i in range(300)])


def test_other_sessions_go_on_during_a_rename(server, ftp, fake):
    fake.fill('d/f', 400)
    r = server.raw()
    r.login()
    r.cmd('RNFR d')
    r.send(b'RNTO e\r\n')
    for _ in range(20):
        assert ftp.sendcmd('NOOP').startswith('200 ')
    harness.store(ftp, 'meanwhile', b'1')
    assert r.reply().startswith('250 ')
    r.close()


def test_many_keys_at_once(ftp, fake):
    """1600 requests of 20 ms: 4 s eight at a time.  The whole bar, 10,000
    keys in under 15 s, is in test_large.py."""
    fake.fill('d/f', 800)
    fake.config(latency=20)
    try:
        start = time.monotonic()
        ftp.rename('d', 'e')
        took = time.monotonic() - start
    finally:
        fake.config(latency=0)
    assert len(fake.keys()) == 800
    assert took < 3


def test_progress_is_logged(server, ftp, fake):
    fake.fill('d/f', 60)
    fake.fault(op='CopyObject', delay=5200, skip=30)
    ftp.rename('d', 'progress')
    said = [x for x in server.log_text().splitlines() if '/d/ to progress/' in x]
    assert len(said) == 2, said
    assert ' 59 keys copied, 0 removed, 5 s' in said[0]
    assert said[1].endswith(' 60 keys copied, 60 removed, 5 s, done')


def test_a_deep_tree(ftp, fake):
    keys = ['d/' + '/'.join('s%d' % i for i in range(n)) + '/f'
            for n in range(1, 100)]
    for k in keys:
        fake.put(k, k.encode())
    ftp.rename('d', 'e')
    assert fake.keys() == sorted('e' + k[1:] for k in keys)
    assert fake.get('e' + keys[-1][1:]) == keys[-1].encode()
    ftp.cwd(keys[-1].replace('d/', '/e/', 1)[:-2])
    assert ftp.nlst() == ['f']
