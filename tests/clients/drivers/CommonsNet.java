// Apache Commons Net, driven by steps: see drivers.py.
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.*;
import org.apache.commons.net.ftp.*;

public class CommonsNet {
	static FTPClient ftp;
	static PrintStream out;

	static FTPClient client(String tls, String ca) throws Exception {
		if (tls.equals("plain"))
			return new FTPClient();
		KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
		store.load(null);
		try (InputStream in = Files.newInputStream(Paths.get(ca))) {
			store.setCertificateEntry("ca", CertificateFactory
			    .getInstance("X.509").generateCertificate(in));
		}
		TrustManagerFactory f = TrustManagerFactory.getInstance("PKIX");
		f.init(store);
		FTPSClient c = new FTPSClient(tls.equals("implicit"));
		c.setTrustManager(f.getTrustManagers()[0]);
		c.setEndpointCheckingEnabled(true);
		return c;
	}

	static void need(boolean ok, String what) throws IOException {
		if (!ok)
			throw new IOException(what + ": " + ftp.getReplyString());
	}

	static void say(Object... words) {
		String[] s = new String[words.length];
		for (int i = 0; i < s.length; i++)
			s[i] = String.valueOf(words[i]);
		out.println(String.join("\t", s));
	}

	static void connect(String[] a) throws Exception {
		String tls = a[4], mode = a[5];
		ftp = client(tls, a[6]);
		ftp.setControlEncoding("UTF-8");
		ftp.setConnectTimeout(30000);
		ftp.setDefaultTimeout(30000);
		ftp.connect(a[0], Integer.parseInt(a[1]));
		need(FTPReply.isPositiveCompletion(ftp.getReplyCode()), "connect");
		need(ftp.login(a[2], a[3]), "login");
		if (ftp instanceof FTPSClient) {
			((FTPSClient)ftp).execPBSZ(0);
			((FTPSClient)ftp).execPROT("P");
		}
		need(ftp.setFileType(FTP.BINARY_FILE_TYPE), "type");
		ftp.setUseEPSVwithIPv4(mode.equals("epsv"));
		if (mode.equals("port") || mode.equals("eprt6"))
			ftp.enterLocalActiveMode();
		else
			ftp.enterLocalPassiveMode();
	}

	static void send(String local, String remote, long at, boolean append)
	    throws IOException {
		try (InputStream in = new FileInputStream(local)) {
			in.skip(at);
			ftp.setRestartOffset(at);
			need(append ? ftp.appendFile(remote, in) :
			    ftp.storeFile(remote, in), "store");
		}
	}

	static void fetch(String remote, String local, long at)
	    throws IOException {
		try (OutputStream o = new FileOutputStream(local, at > 0)) {
			ftp.setRestartOffset(at);
			need(ftp.retrieveFile(remote, o), "retrieve");
		}
	}

	static void entries(FTPFile[] files) throws IOException {
		need(FTPReply.isPositiveCompletion(ftp.getReplyCode()), "list");
		for (FTPFile f : files)
			say("entry", f.isDirectory() ? "dir" : "file",
			    f.getSize(), f.getName());
	}

	static long size(String path) throws IOException {
		String s = ftp.getSize(path);
		need(s != null, "size");
		return Long.parseLong(s);
	}

	static void step(String verb, String a, String b) throws IOException {
		switch (verb) {
		case "put": send(a, b, 0, false); break;
		case "get": fetch(a, b, 0); break;
		case "reput": send(a, b, size(b), false); break;
		case "reget": fetch(a, b, new File(b).length()); break;
		case "append": send(a, b, 0, true); break;
		case "list": entries(ftp.listFiles(a)); break;
		case "stamp":
			for (FTPFile f : ftp.listFiles(a))
				say("value", f.getTimestamp().getTimeInMillis() / 1000);
			break;
		case "mlsd": entries(ftp.mlistDir(a)); break;
		case "nlst":
			String[] names = ftp.listNames(a);
			need(names != null, "nlst");
			for (String name : names)
				say("name", name);
			break;
		case "size": say("value", size(a)); break;
		case "time":
			say("value", ftp.mdtmCalendar(a).getTimeInMillis() / 1000);
			break;
		case "mkdir": need(ftp.makeDirectory(a), "mkdir"); break;
		case "cwd":
			need(ftp.changeWorkingDirectory(a), "cwd");
			say("value", ftp.printWorkingDirectory());
			break;
		case "move": need(ftp.rename(a, b), "rename"); break;
		case "delete": need(ftp.deleteFile(a), "delete"); break;
		case "rmdir": need(ftp.removeDirectory(a), "rmdir"); break;
		case "unique":
			// the name stands in the answer before the transfer
			try (OutputStream o = ftp.storeUniqueFileStream()) {
				need(o != null, "unique");
				say("value", ftp.getReplyString().trim()
				    .replaceFirst("^150 FILE: ", ""));
				Files.copy(Paths.get(a), o);
			}
			need(ftp.completePendingCommand(), "unique");
			break;
		default: throw new IOException("no such step: " + verb);
		}
	}

	public static void main(String[] args) throws Exception {
		out = new PrintStream(new FileOutputStream(FileDescriptor.out),
		    true, "UTF-8");
		BufferedReader in = new BufferedReader(
		    new InputStreamReader(System.in, StandardCharsets.UTF_8));
		connect(args);
		for (String line; (line = in.readLine()) != null; ) {
			String[] w = line.split("\t", -1);
			step(w[0], w.length > 1 ? w[1] : "",
			    w.length > 2 ? w[2] : "");
		}
		need(ftp.logout(), "quit");
		ftp.disconnect();
	}
}
